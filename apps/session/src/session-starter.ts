import { createHash, randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Batcher } from '@parley/batching';
import { DomainError, unavailable } from '@parley/errors';
import { Outbox } from '@parley/events';
import type { CompiledFlow } from '@parley/flow-engine';
import { checkItem } from '@parley/grpc';
import { Database } from '@parley/postgres';
import { currentRequest, WorkingTime } from '@parley/service';
import { DatabaseClock } from './database-clock.ts';
import { firstSprint } from './first-sprint.ts';
import { FlowVersions } from './flow-versions.ts';
import {
  getStartRequest,
  startSessionRequest,
  type GetStart,
  type StartSession,
} from './session.requests.ts';
import { findEarlierStarts, requestKeyOf } from './start-requests.ts';
import {
  keyOf,
  meetRunning,
  replay,
  startInTransaction,
  startNew,
  withoutOutcome,
  type Outcomes,
  type PreparedStart,
  type Start,
} from './start-transaction.ts';

const LIMITS = { maxInFlight: 2, maxItems: 256, maxBytes: Infinity, sizeOf: () => 0, maxWaiting: 5_000 };
/** Characters: a start that writes no more is light. */
const MAX_LIGHT = 16_384;
/** Characters written by one statement for starts that write more. */
const MAX_PART = 1_000_000;
/** Half of what a caller waits (P10): after that no further part is begun. */
const PARTS_LIMIT_MS = 1_000;
/** A quarter of it: after that no further sprint is run, so that those before are written. */
const SPRINTS_LIMIT_MS = 500;
/** First sprints that take longer together leave others a turn in between. */
const TURN_MS = 20;
/** Of a call without one. */
const DEFAULT_DEADLINE_MS = 2_000;

/** Starts sessions, many at once with a constant number of statements. */
@Injectable()
export class SessionStarter {
  private readonly database: Database;
  private readonly outbox: Outbox;
  private readonly flowVersions: FlowVersions;
  private readonly clock: DatabaseClock;
  private readonly time: WorkingTime;
  /** Of starts that come one by one. */
  private readonly batcher: Batcher<unknown, Start>;

  constructor(
    database: Database,
    outbox: Outbox,
    flowVersions: FlowVersions,
    clock: DatabaseClock,
    time: WorkingTime,
  ) {
    this.database = database;
    this.outbox = outbox;
    this.flowVersions = flowVersions;
    this.clock = clock;
    this.time = time;
    this.batcher = new Batcher({ ...LIMITS, name: 'starting', run: (requests) => this.start(requests) });
  }

  /** A single start; those that come at the same time share a transaction. Fails with the start's own error. */
  startOne(request: unknown): Promise<Start> {
    return this.batcher.submit(request, currentRequest()?.deadline ?? Date.now() + DEFAULT_DEADLINE_MS);
  }

  /** One outcome per request, in order. */
  async start(requests: unknown[]): Promise<(Start | DomainError)[]> {
    const items = await this.prepareAll(requests);
    const starts = items.filter((item): item is PreparedStart => !(item instanceof DomainError));
    // Always in the same order, so that two batches with the same contacts rarely wait for each other in a circle.
    const sorted = starts.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const outcomes: Outcomes = new Map();
    const end = performance.now() + PARTS_LIMIT_MS;
    for (const part of partsOf(sorted)) {
      if (performance.now() < end) await this.makeStarts(part, outcomes);
      else for (const { id } of part) outcomes.set(id, tooMuch());
    }
    return items.map((item) => {
      if (item instanceof DomainError) return item;
      return (
        outcomes.get(item.id) ?? unavailable('Too many starts of this flow for this contact at the same time')
      );
    });
  }

  /**
   * Most starts need no transaction: they are added by one statement, or answered with the session that runs by another. A
   * transaction is for those that have to end a session first or are ended by their first sprint, for those with a request
   * id, which is stored beside what it brought, and for what has to keep its place beside such a one.
   */
  private async makeStarts(starts: PreparedStart[], outcomes: Outcomes): Promise<void> {
    const special = new Set(starts.filter(isSpecial).map(keyOf));
    const simple = starts.filter((start) => !special.has(keyOf(start)));
    try {
      if (simple.length > 0) await startNew(this.outbox, simple, outcomes);
      const refused = withoutOutcome(simple, outcomes);
      if (refused.length > 0) await meetRunning(this.database, refused, outcomes);
      const rest = withoutOutcome(starts, outcomes);
      if (rest.length === 0) return;
      const made = await this.outbox.statements((tx) => startInTransaction(tx, rest));
      for (const [id, outcome] of made) outcomes.set(id, outcome);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      // Of those before, what is committed stays so.
      for (const { id } of withoutOutcome(starts, outcomes)) outcomes.set(id, error);
    }
  }

  /** What earlier starts were answered, one outcome per request, in order. */
  async findEarlier(requests: unknown[]): Promise<(Start | DomainError)[]> {
    const items = requests.map((request) => checkItem(getStartRequest, request));
    const valid = items.filter((item): item is GetStart => !(item instanceof DomainError));
    const earlier =
      valid.length > 0 ? await findEarlierStarts(this.database, valid) : new Map<string, never>();
    return items.map((item) => {
      if (item instanceof DomainError) return item;
      const found = earlier.get(requestKeyOf(item));
      if (found) return replay(item, found);
      return new DomainError('not_found', 'REQUEST_ID_UNKNOWN', 'No start with this request id');
    });
  }

  /** Everything that can be refused or needs another service, before the transaction. */
  private async prepareAll(requests: unknown[]): Promise<(PreparedStart | DomainError)[]> {
    const startable = await Promise.all(requests.map((request) => this.read(request)));
    const prepared: (PreparedStart | DomainError)[] = [];
    let turn = performance.now();
    const end = turn + SPRINTS_LIMIT_MS;
    for (const one of startable) {
      if (one instanceof DomainError) {
        prepared.push(one);
        continue;
      }
      if (performance.now() - turn > TURN_MS || this.time.owes(one.item.tenantId)) {
        await this.time.turn();
        turn = performance.now();
      }
      prepared.push(performance.now() < end ? this.prepare(one) : tooMuch());
    }
    return prepared;
  }

  private async read(request: unknown): Promise<Startable | DomainError> {
    const item = checkItem(startSessionRequest, request);
    if (item instanceof DomainError) return item;
    try {
      const flow = await this.flowVersions.getStartable(item.tenantId, item.flowId, item.flowVersion);
      return { item, flow };
    } catch (error) {
      return refusalOf(error);
    }
  }

  private prepare({ item, flow }: Startable): PreparedStart | DomainError {
    const id = randomUUIDv7();
    try {
      return {
        ...item,
        id,
        flowName: flow.name,
        ttlMinutes: flow.sessionTtlMinutes,
        sprint: this.time.use(item.tenantId, () =>
          firstSprint(flow, { ...item, sessionId: id }, this.clock.now()),
        ),
        fingerprint: item.fingerprint || ownFingerprint(item),
      };
    } catch (error) {
      return refusalOf(error);
    }
  }
}

/** An item's own error; any other fails its whole batch. */
function refusalOf(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  throw error;
}

function tooMuch(): DomainError {
  return unavailable('Too much was to be started at once');
}

/** A start and its flow. */
interface Startable {
  item: StartSession;
  flow: CompiledFlow;
}

/**
 * Starts that a statement takes together. What writes much comes last, in parts, each of about as much as a statement can write
 * in its time: others of the batch do not wait for it, or fail with it. Those of one contact and flow keep their order.
 */
function partsOf(starts: PreparedStart[]): PreparedStart[][] {
  const heavy = new Set(starts.filter((start) => lengthOf(start) > MAX_LIGHT).map(keyOf));
  if (heavy.size === 0) return [starts];
  const parts = [starts.filter((start) => !heavy.has(keyOf(start)))];
  let room = 0;
  for (const start of starts.filter((one) => heavy.has(keyOf(one)))) {
    if (room <= 0) {
      parts.push([]);
      room = MAX_PART;
    }
    parts.at(-1)!.push(start);
    room -= lengthOf(start);
  }
  return parts.filter((part) => part.length > 0);
}

/** Characters that a start writes, about. */
function lengthOf({ sprint }: PreparedStart): number {
  const { context, memory, timeline, events } = sprint;
  const told = events.reduce((sum, { data }) => sum + data.length, 0);
  return (context?.length ?? 0) + memory.length + timeline.length + told;
}

function isSpecial({ validateOnly, requestId, sprint }: PreparedStart): boolean {
  return validateOnly || requestId !== '' || sprint.status !== 'running';
}

function ownFingerprint({ requestId, flowId, contactId, context, onConflict }: StartSession): string {
  if (requestId === '') return '';
  return createHash('sha256')
    .update(JSON.stringify([flowId, contactId, context, onConflict]))
    .digest('hex');
}
