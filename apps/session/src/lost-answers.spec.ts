import type { Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { ConflictPolicy, SessionServiceClient, type StartSessionRequest } from '@parley/contracts/session';
import { connect } from '@parley/grpc';
import { eventually, Wire } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { newStart, SessionApp } from './testing/session-app.ts';

/** A flow that ends as soon as it has spoken. */
const NOTICE = {
  nodes: [
    { id: 'start', type: 'entry', data: {} },
    { id: 'say', type: 'send_message', data: { text: 'Your order is on its way' } },
    { id: 'end', type: 'end', data: {} },
  ],
  edges: [
    { source: 'start', target: 'say' },
    { source: 'say', target: 'end' },
  ],
};

/** Passes on what is asked, and loses the answers while it is told to. */
class LossyWire extends Wire {
  loses = false;

  static to(address: string): Promise<LossyWire> {
    return new LossyWire(`http://${address}`).listen();
  }

  protected override carry(near: Socket, far: Socket): void {
    near.pipe(far);
    far.on('data', (bytes) => this.loses || near.write(bytes));
  }
}

let app: SessionApp;
let wire: LossyWire;
let client: SessionServiceClient;

beforeAll(async () => {
  app = await SessionApp.create();
  const { address } = await app.addReplica();
  wire = await LossyWire.to(address);
  client = connect(SessionServiceClient, wire.address);
});
afterAll(async () => {
  client.close();
  await app.close();
  await wire.cut();
});
beforeEach(async () => {
  wire.loses = false;
  // The connection is there from now on.
  await eventually(() => app.start(newStart(app), client));
});

const told = (tenantId: string) =>
  app.database.query<{ type: string }>('SELECT type FROM outbox_events WHERE tenant_id = $1', [tenantId]);

/** One call whose connection breaks once it is committed. */
async function startAndLose(request: StartSessionRequest, single: boolean): Promise<unknown> {
  wire.loses = true;
  const outcome = (single ? app.start(request, client) : app.startAll([request], client)).then(
    (answer) => answer,
    (error: unknown) => error,
  );
  await eventually(async () => expect(await told(request.tenantId)).not.toEqual([]));
  wire.loses = false;
  await wire.cut();
  await wire.mend();
  return outcome;
}

it.each([
  ['BatchStartSessions', false, ConflictPolicy.RETURN_RUNNING],
  ['BatchStartSessions that restarts', false, ConflictPolicy.RESTART],
  ['StartSession', true, ConflictPolicy.FAIL],
])(
  '%s whose answer is lost is not called again: one session, which speaks once (P1)',
  async (_, single, policy) => {
    const request = newStart(app, { conflictPolicy: policy, contactId: uuidv7() });
    app.flowCatalog.publish(request.tenantId, request.flowId, { definition: JSON.stringify(NOTICE) });
    expect(await startAndLose(request, single)).toMatchObject({ kind: 'unavailable' });
    // What was called again would have been by now: a call that comes later is answered.
    await eventually(() => app.start(newStart(app), client));
    expect((await told(request.tenantId)).map(({ type }) => type).sort()).toEqual([
      'message.requested',
      'session.completed',
      'session.started',
    ]);
  },
);
