import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import {
  ConflictPolicy,
  SessionServiceClient,
  StartResult,
  type StartSessionOutcome,
} from '@parley/contracts/session';
import { connect } from '@parley/grpc';
import { v7 as uuidv7 } from 'uuid';
import { newStart, SessionApp } from './testing/session-app.ts';
import { tiringFlow } from './testing/tiring-flow.ts';

let app: SessionApp;
let neighbour: SessionServiceClient;
let quiet: ReturnType<typeof newStart>;

beforeAll(async () => {
  app = await SessionApp.create();
  const { address } = await app.addReplica({ EXPIRER: 'false' });
  neighbour = connect(SessionServiceClient, address);
});
beforeEach(() => {
  quiet = newStart(app);
});
afterAll(async () => {
  neighbour.close();
  await app.close();
});

const storedOf = async (tenantId: string): Promise<number> => {
  const [row] = await app.database.query<{ sessions: number }>(
    'SELECT count(*)::int AS sessions FROM sessions WHERE tenant_id = $1',
    [tenantId],
  );
  return row!.sessions;
};

/** A flow that says something so many times and ends, or rests. */
function publishTalk(
  start: { tenantId: string; flowId: string },
  messages: number,
  text: string,
  rests: boolean,
): void {
  const nodes = [
    { id: 'start', type: 'entry', data: {} },
    ...Array.from({ length: messages }, (_, index) => ({
      id: `m${index}`,
      type: 'send_message',
      data: { text },
    })),
    ...(rests ? [{ id: 'rest', type: 'delay', data: { minutes: 10 } }] : []),
  ];
  const edges = nodes.slice(1).map(({ id }, index) => ({ source: nodes[index]!.id, target: id }));
  app.flowCatalog.publish(start.tenantId, start.flowId, { definition: JSON.stringify({ nodes, edges }) });
}

/** started, already running, or the error's text. */
function told({ outcome }: StartSessionOutcome): string {
  if (outcome?.$case !== 'session') return outcome?.value.message ?? 'nothing';
  return outcome.value.result;
}

const STARTED: string = StartResult.STARTED;
const SLOW = 'A service did not answer in time';
const TOO_MANY = 'Too many starts of this flow for this contact at the same time';

it('starts many sessions of a contact that end at once one after another, while others start (P10)', async () => {
  const start = newStart(app);
  publishTalk(start, 1, 'Hi', false);
  const storm = Array.from({ length: 256 }, () =>
    app.start(start).then(
      ({ result }): string => result,
      (error: unknown) => (error as Error).message,
    ),
  );
  const others = await Promise.all(
    Array.from({ length: 10 }, () => app.start({ ...quiet, contactId: uuidv7() }, neighbour)),
  );
  expect(others.map(({ result }) => result)).toEqual(others.map(() => STARTED));
  const outcomes = await Promise.all(storm);
  const started = outcomes.filter((outcome) => outcome === STARTED).length;
  expect(started).toBeGreaterThan(0);
  expect(outcomes.filter((outcome) => outcome !== STARTED)).toEqual(
    Array.from({ length: 256 - started }, () => TOO_MANY),
  );
  // Whoever was told of no session has none.
  expect(await storedOf(start.tenantId)).toBe(started);
});

it('restarts a session as often as a call has time for, and no longer (P10)', async () => {
  const start = newStart(app, { conflictPolicy: ConflictPolicy.RESTART });
  const { outcomes } = await app.startAll(Array.from({ length: 1_000 }, () => start));
  const told1000 = outcomes.map(told);
  const started = told1000.filter((one) => one === STARTED).length;
  expect(started).toBeGreaterThan(0);
  expect(told1000.slice(started)).toEqual(Array.from({ length: 1_000 - started }, () => TOO_MANY));
  expect(await storedOf(start.tenantId)).toBe(started);
});

it('starts a session that writes little beside some that write megabytes', async () => {
  const heavy = newStart(app, { context: JSON.stringify({ x: 'Lorem ip'.repeat(1_250) }) });
  publishTalk(heavy, 90, '{{context.x}}', true);
  // Both versions are ready then.
  await app.startAll([heavy, quiet]);
  const { outcomes } = await app.startAll([
    ...Array.from({ length: 60 }, () => ({ ...heavy, contactId: uuidv7() })),
    { ...quiet, contactId: uuidv7() },
  ]);
  const answers = outcomes.map(told);
  expect(answers.pop()).toBe(STARTED);
  const started = answers.filter((answer) => answer === STARTED).length;
  expect(started).toBeGreaterThan(0);
  expect(await storedOf(heavy.tenantId)).toBe(1 + started);
});

it('starts flows that together are more than is kept ready', async () => {
  const nodes = [
    { id: 'start', type: 'entry', data: {} },
    ...Array.from({ length: 999 }, (_, index) => ({
      id: `n${index}`,
      type: 'delay',
      data: { minutes: 10 },
    })),
  ];
  const edges = nodes.slice(1).map(({ id }, index) => ({ source: nodes[index]!.id, target: id }));
  const definition = JSON.stringify({ nodes, edges });
  const starts = Array.from({ length: 60 }, () => {
    const start = newStart(app);
    app.flowCatalog.publish(start.tenantId, start.flowId, { definition });
    return start;
  });
  const { outcomes } = await app.startAll(starts);
  // Reading so many may take longer than a start can wait. None fails because others pushed it out.
  const answers = new Set(outcomes.map(told));
  expect([...answers].filter((answer) => answer !== SLOW)).toEqual([STARTED]);
});

it('of flows that take long to run leave the other tenants their time', async () => {
  const { definition, context } = tiringFlow(false);
  const tiring = newStart(app, { context });
  app.flowCatalog.publish(tiring.tenantId, tiring.flowId, { definition });
  const storm = app.startAll(Array.from({ length: 100 }, () => ({ ...tiring, contactId: uuidv7() })));
  const answers: StartResult[] = [];
  const over = storm.then(() => true);
  // One after the other, each within its deadline.
  for (let isOver = false; !isOver;) {
    answers.push((await app.start({ ...quiet, contactId: uuidv7() }, neighbour)).result);
    isOver = await Promise.race([over, Promise.resolve(false)]);
  }
  expect(new Set(answers)).toEqual(new Set([StartResult.STARTED]));
  const outcomes = new Set((await storm).outcomes.map(told));
  expect(outcomes).toEqual(new Set([StartResult.STARTED, 'Too much was to be started at once']));
  // It may go on for a second more than is its share.
  const refused = 'The flows of this tenant take too long to run';
  const later: string[] = [];
  for (let batch = 0; batch < 12 && !later.includes(refused); batch++) {
    const more = await app.startAll(Array.from({ length: 100 }, () => ({ ...tiring, contactId: uuidv7() })));
    later.push(...more.outcomes.map(told));
  }
  expect(later).toContain(refused);
});
