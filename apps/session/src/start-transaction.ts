import { DomainError } from '@parley/errors';
import type { OutgoingEvent } from '@parley/events';
import type { Statements } from '@parley/postgres';
import { sessionCancelled, sessionExpired, sessionStarted } from './session.events.ts';
import {
  cancelRunningOf,
  expireDead,
  findRunning,
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

/** By the id each session would have. A start without an outcome met a session that kept changing. */
export type Outcomes = Map<string, Start | DomainError>;

/** A running session that ends between two statements costs a round; this many in a row do not happen. */
const MAX_ROUNDS = 5;

/** Makes many starts with a constant number of statements, and gives their outcomes and events. */
export async function startInTransaction(
  tx: Statements,
  starts: PreparedStart[],
): Promise<{ result: Outcomes; events: OutgoingEvent[] }> {
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
  const events = await startAll(tx, fresh, outcomes);
  recordAnswers(
    tx,
    [...claimed].filter((start) => !startedItself(start, outcomes)).map((start) => answerOf(start, outcomes)),
  );
  followLeaders(keyed, outcomes);
  return { result: outcomes, events };
}

/** Starts what can be started; what meets a running session does as its policy says. */
async function startAll(
  tx: Statements,
  starts: PreparedStart[],
  outcomes: Outcomes,
): Promise<OutgoingEvent[]> {
  const events: OutgoingEvent[] = [];
  let pending = starts;
  for (let round = 1; round <= MAX_ROUNDS && pending.length > 0; round++) {
    const inserted = await insertSessions(tx, pending);
    for (const session of inserted) {
      outcomes.set(session.id, { result: 'started', replayed: false, session });
      events.push(sessionStarted(session));
    }
    const refused = pending.filter((start) => !outcomes.has(start.id));
    if (refused.length === 0) break;

    const running = await runningByKey(tx, refused);
    for (const start of refused) settleConflict(start, running.get(keyOf(start)), outcomes);
    pending = refused.filter((start) => !outcomes.has(start.id));
    if (pending.length === 0) break;

    // What held these back is dead or has just ended, or is to make room.
    events.push(...(await expireDead(tx, pending)).map(sessionExpired));
    const restarts = pending.filter((start) => start.onConflict === 'restart');
    if (restarts.length > 0) events.push(...(await cancelRunningOf(tx, restarts)).map(sessionCancelled));
  }
  return events;
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
  const running = await runningByKey(tx, starts);
  for (const start of starts) {
    settleConflict(start, running.get(keyOf(start)), outcomes);
    if (outcomes.has(start.id)) continue;
    const { flowId, flowName, flowVersion, contactId } = start;
    const session = { flowId, flowName, flowVersion, contactId };
    outcomes.set(start.id, { result: 'started', replayed: false, session });
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
  const leaders = [...leadersOf(keyed).values()];
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
  const leaders = leadersOf(keyed);
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

function leadersOf(keyed: PreparedStart[]): Map<string, PreparedStart> {
  return new Map(keyed.toReversed().map((start) => [requestKeyOf(start), start]));
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

async function runningByKey(tx: Statements, keys: RunningKey[]): Promise<Map<string, RunningSession>> {
  return new Map((await findRunning(tx, keys)).map((session) => [keyOf(session), session]));
}

/** What the unique index holds apart. */
export function keyOf({ tenantId, flowId, contactId }: RunningKey): string {
  return `${tenantId} ${flowId} ${contactId}`;
}
