/**
 * The longest answer a client of ours takes: a full page of flows (100 of 1 MiB) passes gRPC's own limit of 4 MiB.
 * Servers keep that limit for requests, as anybody may send those.
 */
export const MAX_ANSWER_BYTES = 128 * 1024 * 1024;
