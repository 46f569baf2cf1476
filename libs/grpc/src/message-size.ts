/**
 * The longest message either side takes. gRPC's own limit of 4 MiB is passed by a full batch of contexts (1000 of
 * 64 KiB) and by a full page of flows (100 of 1 MiB), which the protos allow; then a whole batch would fail.
 */
export const MAX_MESSAGE_BYTES = 128 * 1024 * 1024;
