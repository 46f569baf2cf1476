export { call, connect } from './client.ts';
export { isInTime, readLagTrailers, type LagReading } from './lags.ts';
export { decodePageToken, pageSize, splitPage, UUID_KEY } from './page-token.ts';
export { fromRpcStatus, settle, toRpcStatus, toServiceError } from './rpc-status.ts';
export { Tls } from './tls.ts';
export type { TlsSettings } from './tls-files.ts';
export { batchRequest, checkItem, SchemaPipe, shortList, toFieldProblems, uuid } from './validation.ts';
