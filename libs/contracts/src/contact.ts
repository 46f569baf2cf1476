export * from './generated/parley/contact/v1/contact.ts';
export * from './generated/parley/contact/v1/contact_service.ts';
export * from './generated/parley/contact/v1/error_reason.ts';
