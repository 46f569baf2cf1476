export * from './generated/parley/session/v1/error_reason.ts';
export * from './generated/parley/session/v1/session.ts';
export * from './generated/parley/session/v1/session_events.ts';
export * from './generated/parley/session/v1/session_service.ts';
