/**
 * The longest answer a client of ours takes: a page of flows (3.5 MiB of definitions) or of sessions (100 with
 * contexts of 64 KiB) passes gRPC's own limit of 4 MiB.
 * Servers keep that limit for requests, as anybody may send those.
 */
export const MAX_ANSWER_BYTES = 128 * 1024 * 1024;
