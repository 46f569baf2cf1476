import { Metadata, status as GrpcCode, type ServiceError } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { Status } from '@parley/contracts/rpc';
import { DomainError, type ErrorDetails, type ErrorKind } from '@parley/errors';
import { fromRpcStatus, fromServiceError, settle, toRpcStatus, toServiceError } from './rpc-status.ts';

const DOMAIN = 'parley.contact.v1';

const kinds: [ErrorKind, GrpcCode][] = [
  ['invalid_argument', GrpcCode.INVALID_ARGUMENT],
  ['unauthenticated', GrpcCode.UNAUTHENTICATED],
  ['permission_denied', GrpcCode.PERMISSION_DENIED],
  ['not_found', GrpcCode.NOT_FOUND],
  ['already_exists', GrpcCode.ALREADY_EXISTS],
  ['failed_precondition', GrpcCode.FAILED_PRECONDITION],
  ['resource_exhausted', GrpcCode.RESOURCE_EXHAUSTED],
  ['unavailable', GrpcCode.UNAVAILABLE],
  ['internal', GrpcCode.INTERNAL],
];

const details: [string, ErrorDetails][] = [
  ['nothing more', {}],
  ['a domain of its own', { domain: 'parley.session.v1' }],
  ['metadata, whatever the keys', { metadata: { status: 'expired', constructor: 'x', ünï: '🦜' } }],
  ['a field', { fields: [{ field: 'nodes[2].data.text', description: 'must not be empty' }] }],
  [
    'two fields',
    {
      fields: [
        { field: 'id', description: 'ä' },
        { field: '', description: '' },
      ],
    },
  ],
];

/** As the caller of an RPC gets it. */
const received = (error: DomainError): ServiceError =>
  Object.assign(new Error(), toServiceError(error, DOMAIN));

describe('an error', () => {
  it.each(kinds)('of the kind %s has the gRPC code %i, and comes back as itself', (kind, code) => {
    const error = new DomainError(kind, 'SOME_REASON', 'Some text');
    expect(toServiceError(error, DOMAIN)).toMatchObject({ code, details: 'Some text' });
    const back = { kind, reason: 'SOME_REASON', message: 'Some text', domain: DOMAIN };
    expect(fromServiceError(received(error))).toMatchObject(back);
    expect(fromRpcStatus(toRpcStatus(error, DOMAIN))).toMatchObject(back);
  });

  it.each(details)('comes back with %s, from a call and from an item of a batch', (_, given) => {
    const error = new DomainError('not_found', 'SOME_REASON', 'Some text', given);
    const back = { domain: DOMAIN, metadata: {}, fields: [], ...given };
    for (const read of [fromServiceError(received(error)), fromRpcStatus(toRpcStatus(error, DOMAIN))]) {
      const { domain, metadata, fields } = read;
      expect({ domain, metadata, fields }).toEqual(back);
    }
  });

  it('never sends its cause', () => {
    const cause = new Error('password authentication failed for +14155550123');
    const sent = toServiceError(new DomainError('unavailable', 'UNAVAILABLE', 'Away', { cause }), DOMAIN);
    const bytes = sent.metadata.get('grpc-status-details-bin')[0] as Buffer;
    expect(bytes.toString()).toContain('UNAVAILABLE');
    expect(bytes.toString()).not.toContain('password');
  });

  const fields = Array.from({ length: 10_000 }, (_, n) => ({
    field: `tags[${n}]`,
    description: 'must not be empty',
  }));
  const wrong = new DomainError('invalid_argument', 'INVALID_FIELD', 'x', { fields });

  it('names the first of more fields than the trailers have room for', () => {
    const { metadata } = toServiceError(wrong, DOMAIN);
    const details = metadata.get('grpc-status-details-bin')[0] as Buffer;
    const back = fromRpcStatus(Status.decode(details)).fields;
    expect(back.length).toBeGreaterThan(500);
    expect(back).toEqual(fields.slice(0, back.length));
    expect(details.length).toBeLessThan(40_000);
  });

  it('of an item names so many that a thousand fit in an answer', () => {
    const status = toRpcStatus(wrong, DOMAIN);
    const back = fromRpcStatus(status).fields;
    expect(back.length).toBeGreaterThan(20);
    expect(back).toEqual(fields.slice(0, back.length));
    expect(Status.encode(status).finish().length * 1_000).toBeLessThan(4 * 1024 * 1024);
  });
});

describe('a failed call without details', () => {
  const failure = (code: GrpcCode): ServiceError =>
    Object.assign(new Error('text of another side'), { code, details: 'text', metadata: new Metadata() });

  it.each([
    ['DEADLINE_EXCEEDED', GrpcCode.DEADLINE_EXCEEDED, 'unavailable', 'UNAVAILABLE'],
    ['CANCELLED', GrpcCode.CANCELLED, 'unavailable', 'UNAVAILABLE'],
    ['UNAVAILABLE', GrpcCode.UNAVAILABLE, 'unavailable', 'UNAVAILABLE'],
    ['RESOURCE_EXHAUSTED', GrpcCode.RESOURCE_EXHAUSTED, 'unavailable', 'UNAVAILABLE'],
    ['UNKNOWN', GrpcCode.UNKNOWN, 'internal', 'INTERNAL'],
    ['UNIMPLEMENTED', GrpcCode.UNIMPLEMENTED, 'internal', 'INTERNAL'],
    ['NOT_FOUND', GrpcCode.NOT_FOUND, 'internal', 'INTERNAL'],
  ])('with %s (%i) is %s, and its text stays inside', (_, code, kind, reason) => {
    const error = fromServiceError(failure(code));
    expect(error).toMatchObject({ kind, reason });
    expect(error.message).not.toContain('text');
  });

  it('that broke with its connection is unavailable', () => {
    const details = 'Received RST_STREAM with code 2 triggered by internal client error: Session closed';
    const error = fromServiceError(Object.assign(failure(GrpcCode.INTERNAL), { details }));
    expect(error).toMatchObject({ kind: 'unavailable', reason: 'UNAVAILABLE' });
  });

  it.each([
    'Received message larger than max (5000000 vs 4194304)',
    'Sent message larger than max (5000000 vs. 4194304)',
    'Attempted to send message with a size larger than 4194304',
    'Received message that decompresses to a size larger than 4194304',
  ])('of the text %s is internal: sent again, it would be too large again (31)', (details) => {
    const error = Object.assign(failure(GrpcCode.RESOURCE_EXHAUSTED), { details });
    expect(fromServiceError(error)).toMatchObject({ kind: 'internal', reason: 'INTERNAL' });
  });

  it('is internal where its code has no kind', () => {
    expect(fromRpcStatus({ code: 15, message: 'x', details: [] })).toMatchObject({
      kind: 'internal',
      reason: 'INTERNAL',
    });
  });
});

describe('the outcome of an item', () => {
  it('is its value when it is good', () => {
    expect(settle({ $case: 'session', value: 'x' }, 'session')).toBe('x');
  });

  it('is its error when it failed', () => {
    const value = toRpcStatus(new DomainError('not_found', 'CONTACT_NOT_FOUND', 'x'), DOMAIN);
    const outcome: { $case: string; value: unknown } = { $case: 'error', value };
    expect(settle(outcome, 'contact')).toMatchObject({ reason: 'CONTACT_NOT_FOUND', domain: DOMAIN });
  });

  it('is an internal error when there is none', () => {
    expect(settle(undefined, 'contact' as never)).toMatchObject({ kind: 'internal' });
  });
});
