import { createHash, randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Batcher } from '@parley/batching';
import { DomainError, unavailable } from '@parley/errors';
import { Outbox } from '@parley/events';
import { checkItem } from '@parley/grpc';
import { Database } from '@parley/postgres';
import { currentRequest } from '@parley/service';
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
/** Of a call without one. */
const DEFAULT_DEADLINE_MS = 2_000;

/** Starts sessions, many at once with a constant number of statements. */
@Injectable()
export class SessionStarter {
  private readonly database: Database;
  private readonly outbox: Outbox;
  private readonly flowVersions: FlowVersions;
  private readonly clock: DatabaseClock;
  /** Of starts that come one by one. */
  private readonly batcher: Batcher<unknown, Start>;

  constructor(database: Database, outbox: Outbox, flowVersions: FlowVersions, clock: DatabaseClock) {
    this.database = database;
    this.outbox = outbox;
    this.flowVersions = flowVersions;
    this.clock = clock;
    this.batcher = new Batcher({ ...LIMITS, name: 'starting', run: (requests) => this.start(requests) });
  }

  /** A single start; those that come at the same time share a transaction. Fails with the start's own error. */
  startOne(request: unknown): Promise<Start> {
    return this.batcher.submit(request, currentRequest()?.deadline ?? Date.now() + DEFAULT_DEADLINE_MS);
  }

  /** One outcome per request, in order. */
  async start(requests: unknown[]): Promise<(Start | DomainError)[]> {
    const items = await Promise.all(requests.map((request) => this.prepare(request)));
    const starts = items.filter((item): item is PreparedStart => !(item instanceof DomainError));
    // Always in the same order, so that two batches with the same contacts rarely wait for each other in a circle.
    const sorted = starts.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    const outcomes = await this.makeStarts(sorted);
    return items.map((item) => {
      if (item instanceof DomainError) return item;
      return outcomes.get(item.id) ?? unavailable('The session running for this contact kept changing');
    });
  }

  /**
   * Most starts need no transaction: they are added by one statement, or answered with the session that runs by another. A
   * transaction is for those that have to end a session first or are ended by their first sprint, for those with a request
   * id, which is stored beside what it brought, and for what has to keep its place beside such a one.
   */
  private async makeStarts(starts: PreparedStart[]): Promise<Outcomes> {
    const special = new Set(starts.filter(isSpecial).map(keyOf));
    const simple = starts.filter((start) => !special.has(keyOf(start)));
    const outcomes: Outcomes = new Map();
    if (simple.length > 0) await startNew(this.outbox, simple, outcomes);
    try {
      const refused = withoutOutcome(simple, outcomes);
      if (refused.length > 0) await meetRunning(this.database, refused, outcomes);
      const rest = withoutOutcome(starts, outcomes);
      if (rest.length === 0) return outcomes;
      return new Map([...outcomes, ...(await this.outbox.statements((tx) => startInTransaction(tx, rest)))]);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      // Of those before, what is committed stays so.
      for (const { id } of withoutOutcome(starts, outcomes)) outcomes.set(id, error);
      return outcomes;
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
  private async prepare(request: unknown): Promise<PreparedStart | DomainError> {
    try {
      const item = checkItem(startSessionRequest, request);
      if (item instanceof DomainError) return item;
      const flow = await this.flowVersions.getStartable(item.tenantId, item.flowId, item.flowVersion);
      const id = randomUUIDv7();
      return {
        ...item,
        id,
        flowName: flow.name,
        ttlMinutes: flow.sessionTtlMinutes,
        sprint: firstSprint(flow, { ...item, sessionId: id }, this.clock.now()),
        fingerprint: item.fingerprint || ownFingerprint(item),
      };
    } catch (error) {
      if (error instanceof DomainError) return error;
      throw error;
    }
  }
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
