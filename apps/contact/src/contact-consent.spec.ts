import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Consent, type Contact } from '@parley/contracts/contact';
import { v7 as uuidv7 } from 'uuid';
import { ContactApp, item, told } from './testing/contact-app.ts';

const PHONE = '+14155550123';

let app: ContactApp;
let tenant: string;
let contact: Contact;

beforeAll(async () => {
  app = await ContactApp.create();
});
beforeEach(async () => {
  tenant = uuidv7();
  contact = await app.add(tenant, PHONE);
});
afterAll(() => app.close());

const optOut = () => app.setConsent(tenant, contact.id, Consent.OPTED_OUT);
const optIn = () => app.setConsent(tenant, contact.id, Consent.OPTED_IN);

describe('consent', () => {
  it('is taken back by an opt-out, which keeps the time of the opt-in', async () => {
    const out = await optOut();
    expect(out.optedOutAt!.getTime()).toBeGreaterThanOrEqual(contact.createdAt!.getTime());
    expect(out).toEqual({ ...contact, optedOutAt: out.optedOutAt, updatedAt: out.updatedAt });
    expect(await app.byId(tenant, contact.id)).toEqual(out);
  });

  it('keeps the time of the first opt-out when it is repeated', async () => {
    const out = await optOut();
    expect(await optOut()).toEqual(out);
  });

  it('is given again by an opt-in, with a new time and no opt-out', async () => {
    const out = await optOut();
    const back = await optIn();
    expect(back.optedOutAt).toBeUndefined();
    expect(back.optedInAt!.getTime()).toBeGreaterThanOrEqual(out.optedOutAt!.getTime());
    expect(back.optedInAt!.getTime()).toBeGreaterThan(contact.optedInAt!.getTime());
    expect(await optIn()).toEqual(back);
  });

  it('keeps the time of the opt-in when it is repeated', async () => {
    expect(await optIn()).toEqual(contact);
  });

  it('is recorded for a contact that never opted in', async () => {
    await app.database.query('UPDATE contacts SET opted_in_at = NULL WHERE id = $1', [contact.id]);
    expect((await app.byId(tenant, contact.id)).optedInAt).toBeUndefined();
    expect((await optIn()).optedInAt).toBeInstanceOf(Date);
  });

  it('is refused for an unknown contact', async () => {
    await expect(app.setConsent(tenant, uuidv7(), Consent.OPTED_IN)).rejects.toMatchObject({
      reason: 'CONTACT_NOT_FOUND',
    });
  });

  it('is never changed by a trigger, an upsert or an update', async () => {
    const out = await optOut();
    await app.resolve([item({ tenantId: tenant, phone: PHONE }), item({ tenantId: tenant, id: contact.id })]);
    expect(await app.byId(tenant, contact.id)).toEqual(out);
    await app.upsert(tenant, PHONE, { name: 'Ann' });
    await app.update(tenant, contact.id, { name: 'Anna' });
    const { optedInAt, optedOutAt } = await app.byId(tenant, contact.id);
    expect({ optedInAt, optedOutAt }).toEqual({ optedInAt: out.optedInAt, optedOutAt: out.optedOutAt });
  });

  it('is not rewritten by a trigger of a contact that is opted in', async () => {
    await app.resolve([item({ tenantId: tenant, phone: PHONE, source: 'elsewhere' })]);
    expect(await app.byId(tenant, contact.id)).toEqual(contact);
  });

  it('refuses a trigger that asks to be refused after an opt-out, and only that one', async () => {
    await optOut();
    const outcomes = await app.resolve([
      item({ tenantId: tenant, phone: PHONE }),
      item({ tenantId: tenant, phone: PHONE, refuseOptedOut: true }),
      item({ tenantId: tenant, id: contact.id, refuseOptedOut: true }),
      item({ tenantId: tenant, id: contact.id, phone: PHONE, refuseOptedOut: true }),
      item({ tenantId: tenant, phone: '+14155550124', refuseOptedOut: true }),
    ]);
    expect(outcomes.map(told)).toEqual([
      { id: contact.id, created: false },
      'CONTACT_OPTED_OUT',
      'CONTACT_OPTED_OUT',
      'CONTACT_OPTED_OUT',
      { id: expect.any(String), created: true },
    ]);
    await optIn();
    const [again] = await app.resolve([item({ tenantId: tenant, phone: PHONE, refuseOptedOut: true })]);
    expect(told(again!)).toEqual({ id: contact.id, created: false });
  });
});
