export * from './generated/google/rpc/status.ts';
export * from './generated/google/rpc/error_details.ts';
