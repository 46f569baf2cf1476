export * from './generated/parley/channel/v1/channel.ts';
export * from './generated/parley/channel/v1/channel_events.ts';
export * from './generated/parley/channel/v1/channel_service.ts';
export * from './generated/parley/channel/v1/error_reason.ts';
