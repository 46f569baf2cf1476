// DBOS behind an HTTP entry of its own: the trigger call starts a workflow named by flow and contact, which waits.
import { DBOS, Error as DbosErrors } from '@dbos-inc/dbos-sdk';
import Fastify from 'fastify';

const SESSION_MS = 30 * 60_000;

DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: process.env.DATABASE_URL,
  systemDatabasePoolSize: 20,
  logLevel: 'warn',
  runAdminServer: false,
});

const session = DBOS.registerWorkflow(
  async () => {
    await DBOS.sleep(SESSION_MS);
    return 'expired';
  },
  { name: 'session' },
);
await DBOS.launch();

const server = Fastify();
server.post('/api/v1/actions/trigger-flow', async (request, reply) => {
  const { flow_id, contact_id, phone, context } = request.body;
  const contact = contact_id ?? phone;
  const id = `${flow_id}:${contact}`;
  const answer = (status) => ({ id, status, flow_id, flow_name: 'Bench', contact_id: contact });
  try {
    await DBOS.startWorkflow(session, { workflowID: id, workflowIDReusePolicy: 'reject' })(context);
    return await reply.status(201).send(answer('started'));
  } catch (error) {
    if (!DbosErrors.isWorkflowIDInUseError(error)) throw error;
    return reply.status(200).send(answer('already_running'));
  }
});
// Workflows that wait are no reason to stay: they are in the database.
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit());
await server.listen({ host: '127.0.0.1', port: Number(process.env.HTTP_PORT) });
