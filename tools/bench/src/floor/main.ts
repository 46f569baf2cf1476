// The floor: what this machine can do at all. One process that takes the trigger call and writes the rows that Parley
// writes, in batches, straight to Postgres: no gRPC, no tokens, no NATS.
import Fastify from 'fastify';
import { Starter } from './starter.ts';
import type { Start } from './starter.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const PHONE = /^\+\d{7,15}$/;
const FLOW_NAME = 'Bench';

interface Body {
  flow_id?: unknown;
  contact_id?: unknown;
  phone?: unknown;
  context?: unknown;
}

const starter = await Starter.connect(process.env['DATABASE_URL'] as string, FLOW_NAME);
const server = Fastify({ bodyLimit: 1_048_576 });

server.post<{ Body: Body }>('/api/v1/actions/trigger-flow', async (request, reply) => {
  const start = read(request.body);
  if (start === undefined) return reply.status(422).send({ message: 'The given data was invalid.' });
  const started = await starter.start(start);
  if (started === undefined) return reply.status(404).send({ error: 'Contact not found' });
  return reply.status(started.isNew ? 201 : 200).send({
    id: started.id,
    status: started.isNew ? 'started' : 'already_running',
    flow_id: start.flowId,
    flow_name: FLOW_NAME,
    contact_id: started.contactId,
  });
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void server.close().then(() => starter.close()));
}
await server.listen({ host: '127.0.0.1', port: Number(process.env['HTTP_PORT']) });

/** Undefined: not a valid request. */
function read(body: Body): Start | undefined {
  const { flow_id: flowId, contact_id: contactId = null, phone = null, context = {} } = body;
  if (typeof flowId !== 'string' || !UUID.test(flowId)) return undefined;
  if (typeof context !== 'object' || context === null) return undefined;
  if (typeof contactId === 'string' && UUID.test(contactId))
    return { flowId, contactId, phone: null, context };
  if (typeof phone === 'string' && PHONE.test(phone)) return { flowId, contactId: null, phone, context };
  return undefined;
}
