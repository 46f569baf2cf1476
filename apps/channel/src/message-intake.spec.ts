import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Database } from '@parley/postgres';
import { Logger } from '@parley/service';
import { v7 as uuidv7 } from 'uuid';
import { MessageIntake } from './message-intake.ts';
import { ChannelApp, newMessage } from './testing/channel-app.ts';

let app: ChannelApp;
let database: Database;
beforeAll(async () => {
  app = await ChannelApp.create();
  database = await Database.connect({ url: app.database.url, name: 'channel', poolSize: 1 });
});
afterAll(async () => {
  await database.close();
  await app.close();
});

it('takes what is asked for again for the same, and says so where it is not: a session that was set back', async () => {
  const said: unknown[] = [];
  const error = (text: string, fields: object): void => void said.push({ text, ...fields });
  const intake = new MessageIntake(database, 30, Object.assign(new Logger('channel', 'silent'), { error }));
  const { tenantId, ...data } = newMessage(app, { channel: 'webhook' });
  const take = (text: string): Promise<boolean> => {
    const event = {
      id: uuidv7(),
      tenantId,
      subject: data.session_id,
      sequence: 2,
      type: 'message.requested',
    };
    return intake.take({ ...event, time: new Date(), data: { ...data, text } });
  };
  expect(await take('We are open')).toBe(true);
  expect(await take('We are open')).toBe(false);
  expect(said).toEqual([]);
  expect(await take('What is your order?')).toBe(false);
  expect(said).toEqual([
    {
      text: 'A message is not sent: another one had its effect_id. Was the session database restored alone?',
      effect_id: data.effect_id,
    },
  ]);
});
