import { describe, expect, it } from '@jest/globals';
import { ConflictPolicy, StartSessionRequest, type ContactFacts } from '@parley/contracts/session';
import { v7 as uuidv7 } from 'uuid';
import { sizeOfStart } from './start-size.ts';

const start = (context: string, contact: ContactFacts | undefined): StartSessionRequest => ({
  tenantId: uuidv7(),
  flowId: uuidv7(),
  flowVersion: 2 ** 31 - 1,
  contactId: uuidv7(),
  context,
  requestId: 'k'.repeat(255),
  requestFingerprint: Buffer.alloc(64),
  conflictPolicy: ConflictPolicy.RETURN_RUNNING,
  validateOnly: true,
  contact,
});
const facts = (text: string): ContactFacts => ({
  phone: '+123456789012345',
  name: text.repeat(255),
  email: `${'e'.repeat(248)}@x.org`,
  tags: Array.from({ length: 100 }, () => text.repeat(64)),
  metadata: `{"a":"${text.repeat(1_000)}"}`,
});

describe('the size of a start', () => {
  it.each([
    ['without the contact', start('{}', undefined)],
    ['with a context in another script', start(`{"a":"${'ж漢'.repeat(1_000)}"}`, undefined)],
    ['with a contact in ASCII', start('{}', facts('a'))],
    ['with a contact in another script', start('{}', facts('漢'))],
    ['with a contact of nothing', start('{}', { phone: '', name: '', email: '', tags: [], metadata: '' })],
  ])('is never told too small, %s', (_, request) => {
    expect(sizeOfStart(request)).toBeGreaterThanOrEqual(StartSessionRequest.encode(request).finish().length);
  });
});
