import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Contact } from '@parley/contracts/contact';
import { deleteOld } from '@parley/postgres';
import { eventually } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { OLD_TAG_CHANGES } from './tag-changes.ts';
import { ContactApp } from './testing/contact-app.ts';

let app: ContactApp;
let tenant: string;
let contact: Contact;
/** Events of one session are heard one after another. */
let session: string;

beforeAll(async () => {
  app = await ContactApp.create();
});
beforeEach(async () => {
  tenant = uuidv7();
  session = uuidv7();
  contact = await app.add(tenant, '+14155550123', { tags: { tags: ['vip'] } });
});
afterAll(() => app.close());

const request = (change: Record<string, unknown>) =>
  app.requestTags(tenant, { session_id: session, effect_id: uuidv7(), contact_id: contact.id, ...change });

const haveTags = (...tags: string[]) =>
  eventually(async () => {
    expect((await app.byId(tenant, contact.id)).tags).toEqual(tags);
  });

/** Asks for one more change, behind those before: once it is made, these have been made, or never will be. */
async function settle(): Promise<void> {
  const last = await app.add(tenant, '+14155550124');
  await request({ contact_id: last.id, add: ['last'] });
  await eventually(async () => {
    expect((await app.byId(tenant, last.id)).tags).toEqual(['last']);
  });
}

describe('tags that a flow asks for', () => {
  it('are added and removed', async () => {
    await request({ add: ['cart', 'asked'], remove: ['vip'] });
    await haveTags('asked', 'cart');
    await request({ remove: ['cart', 'never there'] });
    await haveTags('asked');
  });

  it('are changed once for each effect_id, also when they were changed back since', async () => {
    const effect = { effect_id: 'session.3', add: ['cart'] };
    await request(effect);
    await haveTags('cart', 'vip');
    await app.update(tenant, contact.id, { removeTags: ['cart'] });
    await request(effect);
    await settle();
    expect((await app.byId(tenant, contact.id)).tags).toEqual(['vip']);
  });

  it('are those of the tenant: the same effect_id of another one is another', async () => {
    await request({ effect_id: 'session.3', add: ['cart'] });
    await haveTags('cart', 'vip');
    const other = uuidv7();
    const theirs = await app.add(other, '+14155550123');
    await app.requestTags(other, {
      session_id: session,
      effect_id: 'session.3',
      contact_id: contact.id,
      add: ['stolen'],
    });
    await app.requestTags(other, {
      session_id: session,
      effect_id: 'session.4',
      contact_id: theirs.id,
      add: ['own'],
    });
    await eventually(async () => {
      expect((await app.byId(other, theirs.id)).tags).toEqual(['own']);
    });
    await settle();
    expect((await app.byId(tenant, contact.id)).tags).toEqual(['cart', 'vip']);
  });

  it('stay as the session said last, whatever comes first', async () => {
    const say = (sequence: number, change: Record<string, unknown>, of = session) =>
      app.requestTags(
        tenant,
        { session_id: of, effect_id: uuidv7(), contact_id: contact.id, ...change },
        sequence,
      );
    await say(5, { add: ['paid'], remove: ['cart', 'vip'] });
    await haveTags('paid');
    await say(4, { add: ['cart', 'vip', 'seen'], remove: ['paid'] });
    await haveTags('paid', 'seen');
    // Another session has an order of its own.
    await say(3, { add: ['cart'] }, uuidv7());
    await haveTags('cart', 'paid', 'seen');
  });

  it('are left out where a contact would have more than 100, and keep no others waiting', async () => {
    const tags = Array.from({ length: 100 }, (_, index) => `tag-${index}`);
    await app.update(tenant, contact.id, { tags: { tags } });
    const refused = { effect_id: uuidv7(), add: ['one too many'] };
    await request(refused);
    await settle();
    expect((await app.byId(tenant, contact.id)).tags).toEqual(tags.toSorted());
    // A replay on another day does not make it either.
    await app.update(tenant, contact.id, { tags: { tags: ['only'] } });
    await request(refused);
    await settle();
    expect((await app.byId(tenant, contact.id)).tags).toEqual(['only']);
  });

  it('are remembered for eight days, a day longer than their events are kept', async () => {
    await app.database.query(
      `INSERT INTO tag_changes (tenant_id, effect_id, applied_at) VALUES
         ($1, 'old', clock_timestamp() - interval '8 days 1 minute'),
         ($1, 'young', clock_timestamp() - interval '7 days 23 hours')`,
      [tenant],
    );
    expect(await deleteOld(app.database, OLD_TAG_CHANGES, 1_000)).toBe(1);
    expect(
      await app.database.query('SELECT effect_id FROM tag_changes WHERE tenant_id = $1', [tenant]),
    ).toEqual([{ effect_id: 'young' }]);
  });
});
