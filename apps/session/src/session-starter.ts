import { Injectable } from '@nestjs/common';
import { DomainError, unavailable } from '@parley/errors';
import { Outbox, type Publish } from '@parley/events';
import { checkItem } from '@parley/grpc';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { FlowVersions } from './flow-versions.ts';
import { sessionExpired, sessionStarted, type EndedSession, type SessionFacts } from './session.events.ts';
import { startSessionRequest } from './session.requests.ts';
import {
  expireDead,
  findRunning,
  insertSessions,
  type NewSession,
  type RunningKey,
  type RunningSession,
} from './session-rows.ts';

export interface Start {
  result: 'started' | 'already_running';
  session: RunningSession;
}

/** A running session that ends between two statements costs a round; this many in a row do not happen. */
const MAX_ROUNDS = 5;

/** Starts sessions, many at once with a constant number of statements. */
@Injectable()
export class SessionStarter {
  private readonly outbox: Outbox;
  private readonly flowVersions: FlowVersions;

  constructor(outbox: Outbox, flowVersions: FlowVersions) {
    this.outbox = outbox;
    this.flowVersions = flowVersions;
  }

  /** One outcome per request, in order. */
  async start(requests: unknown[]): Promise<(Start | DomainError)[]> {
    const items = await Promise.all(requests.map((request) => this.prepare(request)));
    const sessions = items.filter((item): item is NewSession => !(item instanceof DomainError));
    const starts = sessions.length > 0 ? await this.startAll(sessions) : new Map<string, Start>();
    return items.map((item) => {
      if (item instanceof DomainError) return item;
      return starts.get(item.id) ?? unavailable('The session running for this contact kept changing');
    });
  }

  /** Everything that can be refused or needs another service, before the transaction. */
  private async prepare(request: unknown): Promise<NewSession | DomainError> {
    try {
      const item = checkItem(startSessionRequest, request);
      if (item instanceof DomainError) return item;
      const version = await this.flowVersions.get(item.tenantId, item.flowId, item.flowVersion);
      return { ...item, ...version, id: uuidv7() };
    } catch (error) {
      if (error instanceof DomainError) return error;
      throw error;
    }
  }

  /** By the id each session would have. */
  private async startAll(sessions: NewSession[]): Promise<Map<string, Start>> {
    // Always in the same order, so that two batches with the same contacts rarely wait for each other in a circle.
    const sorted = sessions.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    return this.outbox.transaction((tx, publish) => startInOrder(tx, publish, sorted));
  }
}

async function startInOrder(
  tx: EntityManager,
  publish: Publish,
  sessions: NewSession[],
): Promise<Map<string, Start>> {
  const starts = new Map<string, Start>();
  const started: SessionFacts[] = [];
  const expired: EndedSession[] = [];
  let pending = sessions;
  for (let round = 1; round <= MAX_ROUNDS && pending.length > 0; round++) {
    const inserted = await insertSessions(tx, pending);
    started.push(...inserted);
    for (const session of inserted) starts.set(session.id, { result: 'started', session });

    const refused = pending.filter((session) => !starts.has(session.id));
    if (refused.length === 0) break;
    const running = new Map((await findRunning(tx, refused)).map((session) => [keyOf(session), session]));
    for (const { id, ...key } of refused) {
      const session = running.get(keyOf(key));
      if (session) starts.set(id, { result: 'already_running', session });
    }

    // What held these back is dead, or has just ended.
    pending = refused.filter((session) => !starts.has(session.id));
    if (pending.length > 0) expired.push(...(await expireDead(tx, pending)));
  }
  await publish([...expired.map(sessionExpired), ...started.map(sessionStarted)]);
  return starts;
}

function keyOf({ tenantId, flowId, contactId }: RunningKey): string {
  return `${tenantId} ${flowId} ${contactId}`;
}
