export * from './generated/parley/flow_catalog/v1/error_reason.ts';
export * from './generated/parley/flow_catalog/v1/flow.ts';
export * from './generated/parley/flow_catalog/v1/flow_events.ts';
export * from './generated/parley/flow_catalog/v1/flow_catalog_service.ts';
export * from './generated/parley/flow_catalog/v1/simulation.ts';
