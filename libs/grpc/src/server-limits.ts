import type { ServerOptions } from '@grpc/grpc-js';

/**
 * What a server bears of one connection. Messages keep gRPC's own limit of 4 MiB, metadata HTTP/2's of 64 KiB. channelz is
 * not switched off as in the client: without it grpc-js does not know its connections, and cannot cut them (P11).
 */
export const SERVER_LIMITS: ServerOptions = {
  // Calls at once; more wait at the client. Each may hold a message that is still arriving.
  'grpc.max_concurrent_streams': 256,
  // A client that went away without a word is noticed within 40 s, and what it held is freed.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
};
