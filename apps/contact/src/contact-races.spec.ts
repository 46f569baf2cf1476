import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Consent, type Contact } from '@parley/contracts/contact';
import { eventually } from '@parley/testing';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ContactApp } from './testing/contact-app.ts';

const PHONE = '+14155550123';
const MOVED = '+14155550199';

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
  const waits = `SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await eventually(async () => expect(await app.database.query(waits)).toHaveLength(1));
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
