import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { ReplyResult, type SubmitReplyResponse } from '@parley/contracts/session';
import { call } from '@parley/grpc';
import { ASKING_AGAIN } from './testing/asking-again.ts';
import { newStart, SessionApp } from './testing/session-app.ts';

let app: SessionApp;
let tenantId: string;
let sessionId: string;

beforeAll(async () => {
  app = await SessionApp.create();
  await app.addReplica({ EXPIRER: 'false' });
});
beforeEach(async () => {
  const start = newStart(app);
  app.flowCatalog.publish(start.tenantId, start.flowId, { definition: JSON.stringify(ASKING_AGAIN) });
  ({ tenantId } = start);
  ({ sessionId } = await app.start(start));
});
afterAll(() => app.close());

const reply = (messageId: string): Promise<SubmitReplyResponse> =>
  call(app.client, app.client.submitReply, {
    ...{ tenantId, sessionId, messageId },
    ...{ contactId: '', text: 'yes', payload: '', waitId: 0 },
  });
/** What a replica of the version before knows of a message, and how it keeps one. */
const knows = async (messageId: string): Promise<string[]> => {
  const rows = await app.database.query<{ session_id: string }>(
    `SELECT session_id FROM session_replies
     WHERE tenant_id = $1 AND message_id = $2 AND created_at > clock_timestamp() - interval '24 hours'`,
    [tenantId, messageId],
  );
  return rows.map(({ session_id }) => session_id);
};
const keep = (messageId: string, age = '0 hours'): Promise<unknown> =>
  app.database.query(
    `INSERT INTO session_replies AS r (tenant_id, message_id, session_id, result, created_at)
     VALUES ($1, $2, $3, 'accepted', clock_timestamp() - $4::interval)
     ON CONFLICT (tenant_id, message_id) DO UPDATE
       SET session_id = EXCLUDED.session_id, result = EXCLUDED.result, created_at = EXCLUDED.created_at
       WHERE r.created_at <= clock_timestamp() - interval '24 hours'`,
    [tenantId, messageId, sessionId, age],
  );

it('a message that a replica of the version before has taken is not taken again, for a day', async () => {
  await keep('wamid.1');
  expect(await reply('wamid.1')).toMatchObject({ result: ReplyResult.ACCEPTED, replayed: true });
  await keep('wamid.2', '25 hours');
  expect(await reply('wamid.2')).toMatchObject({ result: ReplyResult.ACCEPTED, replayed: false });
  // Given to it again, which it would take a day later.
  await app.database.query(
    `UPDATE contact_replies SET created_at = created_at - interval '25 hours' WHERE tenant_id = $1`,
    [tenantId],
  );
  await app.database.query(
    `UPDATE session_replies SET created_at = created_at - interval '25 hours' WHERE tenant_id = $1`,
    [tenantId],
  );
  await keep('wamid.1');
  expect(await reply('wamid.1')).toMatchObject({ replayed: true });
});

it('a replica of the version before knows of a message that this one has taken', async () => {
  expect(await knows('wamid.1')).toEqual([]);
  await reply('wamid.1');
  expect(await knows('wamid.1')).toEqual([sessionId]);
});
