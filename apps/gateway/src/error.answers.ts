import type { ErrorReason as ChannelReason } from '@parley/contracts/channel';
import type { ErrorReason as ContactReason } from '@parley/contracts/contact';
import type { ErrorReason as FlowReason } from '@parley/contracts/flow-catalog';
import type { ErrorReason as SessionReason } from '@parley/contracts/session';

/** Reasons the gateway itself refuses for. */
type GatewayReason =
  | 'UNAUTHENTICATED'
  | 'SCOPE_MISSING'
  | 'RATE_LIMITED'
  | 'MALFORMED_REQUEST'
  | 'MALFORMED_BODY'
  | 'BODY_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'ROUTE_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED';

export type Reason = Exclude<
  | keyof typeof ChannelReason
  | keyof typeof ContactReason
  | keyof typeof FlowReason
  | keyof typeof SessionReason
  | GatewayReason,
  'UNSPECIFIED' | 'UNRECOGNIZED'
>;

/** `error`: the body's text. `fields`: a validation error that names the fields; `as` is the one field it is said of. */
export type Answer = { status: number; error: string } | { status: 422; fields: true; as?: string };

/** What an integrator is told, by reason. docs/errors.md lists the same; error.answers.spec.ts holds it to that. */
export const ANSWERS: Record<Reason, Answer> = {
  UNAUTHENTICATED: { status: 401, error: 'Unauthenticated.' },
  SCOPE_MISSING: { status: 403, error: 'The token lacks the scope for this request' },
  RATE_LIMITED: { status: 429, error: 'Too many requests' },
  MALFORMED_REQUEST: { status: 400, error: 'The request is malformed' },
  MALFORMED_BODY: { status: 400, error: 'The request body is not valid JSON' },
  BODY_TOO_LARGE: { status: 413, error: 'The request body is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, error: 'Unsupported media type; send application/json' },
  ROUTE_NOT_FOUND: { status: 404, error: 'Not found' },
  METHOD_NOT_ALLOWED: { status: 405, error: 'Method not allowed' },
  INVALID_FIELD: { status: 422, fields: true },
  CONTACT_NOT_FOUND: { status: 404, error: 'Contact not found' },
  CONTACT_OPTED_OUT: { status: 422, error: 'Contact has opted out' },
  CONTACT_MISMATCH: { status: 422, fields: true, as: 'contact_id' },
  PHONE_TAKEN: { status: 422, fields: true, as: 'phone' },
  FLOW_NOT_FOUND: { status: 404, error: 'Flow not found' },
  FLOW_NOT_PUBLISHED: { status: 404, error: 'Flow not found or not published' },
  FLOW_HAS_NO_ENTRY_NODE: { status: 422, error: 'Flow has no entry node' },
  FLOW_VERSION_NOT_FOUND: { status: 404, error: 'Flow version not found' },
  FLOW_GRAPH_INVALID: { status: 422, fields: true },
  FLOW_ARCHIVED: { status: 409, error: 'Flow is archived' },
  SESSION_NOT_FOUND: { status: 404, error: 'Session not found' },
  SESSION_NOT_RUNNING: { status: 409, error: 'Session is not running' },
  SESSION_ALREADY_RUNNING: { status: 409, error: 'Session is already running' },
  REQUEST_ID_REUSED: {
    status: 422,
    error: 'Idempotency-Key was already used with a different request',
  },
  REQUEST_ID_UNKNOWN: { status: 404, error: 'No such request' },
  CHANNEL_NOT_FOUND: { status: 404, error: 'Channel not found' },
  DELIVERY_NOT_FOUND: { status: 404, error: 'Delivery not found' },
  DELIVERY_NOT_FAILED: { status: 409, error: 'Delivery has not failed' },
  UNAVAILABLE: { status: 503, error: 'Service temporarily unavailable; try again' },
  INTERNAL: { status: 500, error: 'Internal error' },
};
