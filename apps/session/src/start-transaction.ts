import { DomainError } from '@parley/errors';
import type { OutboxStatements, Teller } from '@parley/events';
import type { Statements } from '@parley/postgres';
import {
  cancelRunningOf,
  expireDead,
  findRunning,
  finishSessions,
  insertSessions,
  type NewSession,
  type RunningKey,
  type RunningSession,
} from './session-rows.ts';
import {
  claimRequests,
  findEarlierStarts,
  recordAnswers,
  requestKeyOf,
  type EarlierStart,
  type RequestKey,
} from './start-requests.ts';

/** A start to be made, once everything that another service knows is known. */
export interface PreparedStart extends NewSession, RequestKey {
  onConflict: 'return_running' | 'fail' | 'restart';
  validateOnly: boolean;
}

export interface Start {
  result: 'started' | 'already_running';
  /** Answered before, under the same request id. */
  replayed: boolean;
  /** One that would be started has neither id nor times. */
  session: RunningSession | Pick<NewSession, 'flowId' | 'flowName' | 'flowVersion' | 'contactId'>;
}

/** By the id each session would have. A start without an outcome had too many others of its contact and flow before it. */
export type Outcomes = Map<string, Start | DomainError>;

/** A running session that ends between two statements costs a round; this many in a row, in which nothing starts, do not happen. */
const MAX_IDLE_ROUNDS = 5;
/** A quarter of what a caller waits (P10): the other starts of the batch wait for it, and those of the next one. */
const ROUNDS_LIMIT_MS = 500;

/** Starts those that nothing stands in the way of. */
export async function startNew(teller: Teller, starts: PreparedStart[], outcomes: Outcomes): Promise<void> {
  const added = new Map((await insertSessions(teller, starts)).map(({ id, expiresAt }) => [id, expiresAt]));
  for (const { id, tenantId, flowId, flowName, flowVersion, contactId } of starts) {
    const expiresAt = added.get(id);
    if (!expiresAt) continue;
    const session = { tenantId, id, flowId, flowName, flowVersion, contactId, expiresAt };
    outcomes.set(id, { result: 'started', replayed: false, session });
  }
}

/** Answers those that meet a running session, as their policies say. A restart goes on. */
export async function meetRunning(
  database: Pick<Statements, 'query'>,
  starts: PreparedStart[],
  outcomes: Outcomes,
): Promise<void> {
  const running = new Map((await findRunning(database, starts)).map((session) => [keyOf(session), session]));
  for (const start of starts) settleConflict(start, running.get(keyOf(start)), outcomes);
}

/** Makes many starts with a constant number of statements, and gives their outcomes. */
export async function startInTransaction(tx: OutboxStatements, starts: PreparedStart[]): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  await previewAll(
    tx,
    starts.filter((start) => start.validateOnly),
    outcomes,
  );
  const real = starts.filter((start) => !start.validateOnly);
  const keyed = real.filter((start) => start.requestId !== '');
  const claimed = await claimAll(tx, keyed, outcomes);
  const fresh = real.filter((start) => start.requestId === '' || claimed.has(start));
  await startAll(tx, fresh, outcomes);
  recordAnswers(
    tx,
    [...claimed].filter((start) => !startedItself(start, outcomes)).map((start) => answerOf(start, outcomes)),
  );
  followLeaders(keyed, outcomes);
  return outcomes;
}

/**
 * Starts what can be started; what meets a running session does as its policy says. Starts of one contact and flow that end at
 * once or restart one another follow one another, a round for each, for as long as a batch may keep its neighbours waiting.
 */
async function startAll(tx: OutboxStatements, starts: PreparedStart[], outcomes: Outcomes): Promise<void> {
  const end = performance.now() + ROUNDS_LIMIT_MS;
  let pending = starts;
  for (let idle = 0; idle < MAX_IDLE_ROUNDS && pending.length > 0 && performance.now() < end;) {
    const first = [...firstOfEach(pending, keyOf).values()];
    await startNew(tx, first, outcomes);
    const ended = first.filter(({ id, sprint }) => outcomes.has(id) && sprint.status !== 'running');
    if (ended.length > 0) await finishSessions(tx, ended);
    const free = new Set(ended.map(keyOf));
    const held = withoutOutcome(pending, outcomes).filter((start) => !free.has(keyOf(start)));
    if (held.length > 0) await makeRoom(tx, held, outcomes);

    const left = withoutOutcome(pending, outcomes);
    idle = left.length < pending.length ? 0 : idle + 1;
    pending = left;
  }
}

/** Answers starts that a running session stands in the way of, or ends that session. */
async function makeRoom(tx: OutboxStatements, held: PreparedStart[], outcomes: Outcomes): Promise<void> {
  await meetRunning(tx, held, outcomes);
  const next = [...firstOfEach(withoutOutcome(held, outcomes), keyOf).values()];
  if (next.length === 0) return;
  // What held these back is dead or has just ended, or is to make room.
  await expireDead(tx, next);
  const restarts = next.filter((start) => start.onConflict === 'restart');
  if (restarts.length > 0) await cancelRunningOf(tx, restarts);
}

/** The first start of each key, by the key. */
function firstOfEach(
  starts: PreparedStart[],
  key: (start: PreparedStart) => string,
): Map<string, PreparedStart> {
  return new Map([...Map.groupBy(starts, key)].map(([name, [first]]) => [name, first!]));
}

/** What a start that met this running session is answered; nothing where it goes on. */
function settleConflict(start: PreparedStart, running: RunningSession | undefined, outcomes: Outcomes): void {
  if (!running || start.onConflict === 'restart') return;
  if (start.onConflict === 'return_running') {
    outcomes.set(start.id, { result: 'already_running', replayed: false, session: running });
    return;
  }
  const error = new DomainError('already_exists', 'SESSION_ALREADY_RUNNING', 'Session is already running', {
    metadata: { session_id: running.id },
  });
  outcomes.set(start.id, error);
}

async function previewAll(tx: Statements, starts: PreparedStart[], outcomes: Outcomes): Promise<void> {
  if (starts.length === 0) return;
  await meetRunning(tx, starts, outcomes);
  for (const { id, flowId, flowName, flowVersion, contactId } of withoutOutcome(starts, outcomes)) {
    const session = { flowId, flowName, flowVersion, contactId };
    outcomes.set(id, { result: 'started', replayed: false, session });
  }
}

/**
 * Takes the request ids that are new, each for the first start of the batch that brings it, and answers the starts
 * whose request ids came before. Gives the starts to make.
 */
async function claimAll(
  tx: Statements,
  keyed: PreparedStart[],
  outcomes: Outcomes,
): Promise<Set<PreparedStart>> {
  if (keyed.length === 0) return new Set();
  const leaders = [...firstOfEach(keyed, requestKeyOf).values()];
  const taken = await claimRequests(tx, leaders);
  const repeated = keyed.filter((start) => !taken.has(requestKeyOf(start)));
  if (repeated.length > 0) {
    const earlier = await findEarlierStarts(tx, repeated);
    for (const start of repeated) {
      const found = earlier.get(requestKeyOf(start));
      if (found) outcomes.set(start.id, replay(start, found));
    }
  }
  return new Set(leaders.filter((start) => taken.has(requestKeyOf(start))));
}

/** Twins in one batch: the first is made, the others are answered as it was. */
function followLeaders(keyed: PreparedStart[], outcomes: Outcomes): void {
  const leaders = firstOfEach(keyed, requestKeyOf);
  for (const start of keyed) {
    const leader = leaders.get(requestKeyOf(start))!;
    const outcome = outcomes.get(leader.id);
    if (outcomes.has(start.id) || !outcome) continue;
    if (start.fingerprint !== leader.fingerprint) outcomes.set(start.id, requestIdReused());
    else outcomes.set(start.id, outcome instanceof DomainError ? outcome : { ...outcome, replayed: true });
  }
}

/** How a request is answered whose id came before. */
export function replay(request: RequestKey, earlier: EarlierStart): Start | DomainError {
  if (request.fingerprint !== earlier.fingerprint) return requestIdReused();
  return { result: earlier.result, replayed: true, session: earlier.session };
}

function requestIdReused(): DomainError {
  const text = 'The request id was already used with a different request';
  return new DomainError('failed_precondition', 'REQUEST_ID_REUSED', text);
}

function startedItself(start: PreparedStart, outcomes: Outcomes): boolean {
  const outcome = outcomes.get(start.id);
  return outcome !== undefined && !(outcome instanceof DomainError) && outcome.result === 'started';
}

function answerOf(start: PreparedStart, outcomes: Outcomes): Parameters<typeof recordAnswers>[1][number] {
  const outcome = outcomes.get(start.id);
  if (!outcome || outcome instanceof DomainError) return { request: start, answer: undefined };
  const { id } = outcome.session as RunningSession;
  return { request: start, answer: { result: outcome.result, sessionId: id } };
}

export function withoutOutcome(starts: PreparedStart[], outcomes: Outcomes): PreparedStart[] {
  return starts.filter(({ id }) => !outcomes.has(id));
}

/** What the unique index holds apart. */
export function keyOf({ tenantId, flowId, contactId }: RunningKey): string {
  return `${tenantId} ${flowId} ${contactId}`;
}
