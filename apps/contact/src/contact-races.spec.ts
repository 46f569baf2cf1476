import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Consent, type Contact, type ResolveContactOutcome } from '@parley/contracts/contact';
import { eventually, insertStatements } from '@parley/testing';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ContactApp } from './testing/contact-app.ts';

const PHONE = '+14155550123';
const MOVED = '+14155550199';
const WAITS = `SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;

let app: ContactApp;
let tenant: string;
let contact: Contact;
let other: pg.Client;

beforeAll(async () => {
  app = await ContactApp.create();
});
beforeEach(async () => {
  tenant = uuidv7();
  contact = await app.add(tenant, PHONE);
  other = new pg.Client(app.database.url);
  await other.connect();
});
afterEach(() => other.end());
afterAll(() => app.close());

/** A change that begins while somebody else has the contact in hand, who sets something of it and lets go. Gives also when that was. */
async function behind<T>(set: string, change: () => Promise<T>): Promise<{ changed: T; setAt: Date }> {
  await other.query('BEGIN');
  await other.query('SELECT FROM contacts WHERE id = $1 FOR UPDATE', [contact.id]);
  const changing = change();
  await eventually(async () => expect(await app.database.query(WAITS)).toHaveLength(1));
  const { rows } = await other.query<{ setAt: Date }>(
    `UPDATE contacts SET ${set} WHERE id = $1 RETURNING clock_timestamp() AS "setAt"`,
    [contact.id],
  );
  await other.query('COMMIT');
  return { changed: await changing, setAt: rows[0]!.setAt };
}

it('a phone that is given away while it is looked for makes a new contact', async () => {
  const { changed } = await behind(`phone = '${MOVED}'`, () => app.upsert(tenant, PHONE, { name: 'Ann' }));
  expect(changed.created).toBe(true);
  expect(changed.contact).toMatchObject({ phone: PHONE, name: 'Ann' });
  expect(await app.byId(tenant, contact.id)).toMatchObject({ phone: MOVED, name: '' });
});

it('the later of two changes has the later time, whichever began first', async () => {
  const { changed, setAt } = await behind("name = 'Ann'", () =>
    app.update(tenant, contact.id, { email: 'ann@example.com' }),
  );
  expect(changed).toMatchObject({ name: 'Ann', email: 'ann@example.com' });
  expect(changed.updatedAt!.getTime()).toBeGreaterThanOrEqual(setAt.getTime());
  expect(await app.byId(tenant, contact.id)).toEqual(changed);
});

it('a consent has the time at which it was given, whenever it was asked for', async () => {
  const { changed, setAt } = await behind("name = 'Ann'", () =>
    app.setConsent(tenant, contact.id, Consent.OPTED_OUT),
  );
  expect(changed.optedOutAt!.getTime()).toBeGreaterThanOrEqual(setAt.getTime());
});

it('two batches with the same new phones in opposite orders wait for each other, never in a circle', async () => {
  await app.addReplica();
  const phones = Array.from({ length: 9 }, (_, n) => `+1415555012${n}`);
  const items = phones.map((phone) => ({
    tenantId: tenant,
    id: '',
    phone,
    source: '',
    refuseOptedOut: false,
    validateOnly: false,
  }));
  const statements = await insertStatements(app.database, 'contacts', async () => {
    // Each has come to the middle, one way or the other, before either goes on.
    await other.query('BEGIN');
    await other.query('UPDATE contacts SET phone = $1 WHERE id = $2', [phones[4], contact.id]);
    const both = Promise.all([
      app.resolve(items, app.clients[0]),
      app.resolve(items.toReversed(), app.clients[1]),
    ]);
    await eventually(async () => expect(await app.database.query(WAITS)).toHaveLength(2));
    await other.query('ROLLBACK');
    const [one, two] = await both;
    expect(two.toReversed().map(idOf)).toEqual(one.map(idOf));
  });
  // Of a circle one would have been run again.
  expect(statements).toBe(2);
});

function idOf({ outcome }: ResolveContactOutcome): string {
  if (outcome?.$case !== 'resolved') throw new Error('No contact');
  return outcome.value.contact!.id;
}
