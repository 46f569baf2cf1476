import { Injectable } from '@nestjs/common';
import { DomainError, unavailable } from '@parley/errors';
import { Outbox, type OutboxStatements } from '@parley/events';
import {
  runSprint,
  type CompiledFlow,
  type HttpAnswer,
  type SprintInput,
  type TimelineEntry,
} from '@parley/flow-engine';
import { Database } from '@parley/postgres';
import { WorkingTime } from '@parley/service';
import { readPayload } from './effect-events.ts';
import { FlowVersions } from './flow-versions.ts';
import type { SubmitReply } from './session.requests.ts';
import { columnsOf, stateOf, type LockedSession } from './session-memory.ts';
import {
  findReply,
  keepReply,
  type ContactMessage,
  type KeptReply,
  type ReplyOutcome,
} from './session-replies.ts';
import { advanceSessions, expireLocked, noteEntry, type AdvancedSession } from './session-rows.ts';
import {
  findNewestWait,
  findSession,
  lockDueWaits,
  lockSession,
  type SessionRef,
} from './waiting-sessions.ts';

/** Beyond so many entries an input that changes nothing is no longer noted. */
const MAX_ENTRIES_TO_NOTE = 60_000;
/** Sessions are run on together for so long: others have their turn before the next. */
const TURN_MS = 50;
/** How often the session that waits for a reply is looked for again, where the one that was found no longer waits. */
const MAX_LOOKS = 5;

/** What became of a reply; undefined where no session waits for one. */
export type TakenReply = (KeptReply & { replayed: boolean }) | undefined;

/** A session and the input for it. */
interface Target {
  session: SessionRef;
  input: SprintInput;
  /** It was found because it waited for a reply: where it no longer does, another one may. */
  onlyIfItWaits?: boolean;
}

/**
 * Runs sessions on: a reply, a time that has come, the answer to a request. Each locks the session's row first, so that of
 * several the first commit wins, and the others find a session that no longer waits for them.
 */
@Injectable()
export class SessionRunner {
  private readonly database: Database;
  private readonly outbox: Outbox;
  private readonly flowVersions: FlowVersions;
  private readonly time: WorkingTime;

  constructor(database: Database, outbox: Outbox, flowVersions: FlowVersions, time: WorkingTime) {
    this.database = database;
    this.outbox = outbox;
    this.flowVersions = flowVersions;
    this.time = time;
  }

  /** Fails with SESSION_NOT_FOUND where the request names a session that is not there. */
  async reply(request: SubmitReply): Promise<TakenReply> {
    const { tenantId, sessionId, messageId } = request;
    const named = sessionId === '' ? undefined : await this.namedSession(tenantId, sessionId);
    const contactId = named?.contactId ?? request.contactId;
    const message = messageId === '' ? undefined : { tenantId, contactId, messageId };
    const earlier = await findReply(this.database, message);
    if (earlier) return { ...earlier, replayed: true };
    for (let attempt = 0; attempt < MAX_LOOKS; attempt++) {
      const target = named ? targetOf(named, request) : await this.findTarget(request);
      const taken = target && (await this.take(target, message));
      if (taken) return taken;
      if (!target) break;
    }
    // Its twin may have ended the session it was for, between the two look-ups.
    const twin = await findReply(this.database, message);
    return twin && { ...twin, replayed: true };
  }

  /**
   * Runs sessions on whose wait is over, in one transaction. Gives those whose version cannot be had now, and those that are left
   * for another time because the others took long, or their tenant has had its share of it.
   */
  async runOn(due: SessionRef[]): Promise<{ lacking: SessionRef[]; left: SessionRef[] }> {
    const flows = await this.flowsOf(due);
    const ready = due.filter((session) => flows.has(versionKey(session)));
    const lacking = due.filter((session) => !flows.has(versionKey(session)));
    if (ready.length === 0) return { lacking, left: [] };
    const left = await this.outbox.statements(async (tx) => {
      const locked = await lockDueWaits(tx, ready);
      const end = performance.now() + TURN_MS;
      const advanced: AdvancedSession[] = [];
      const others: SessionRef[] = [];
      for (const session of locked) {
        const input = { type: 'timeout', waitId: session.memory?.wait?.id ?? 0 } as const;
        if (performance.now() > end || this.time.isUsedUp(session.tenantId)) others.push(session);
        else advanced.push(this.sprintOf(session, flows.get(versionKey(session))!, input).advanced);
      }
      await advanceSessions(tx, advanced);
      return others;
    });
    return { lacking, left };
  }

  /** Gives a session the answer to the request of a wait. */
  async answer(session: SessionRef, waitId: number, answer: HttpAnswer): Promise<void> {
    await this.take({ session, input: { type: 'http_answer', waitId, answer } });
  }

  private async namedSession(tenantId: string, id: string): Promise<SessionRef> {
    const session = await findSession(this.database, tenantId, id);
    if (!session) throw new DomainError('not_found', 'SESSION_NOT_FOUND', 'Session not found');
    return session;
  }

  /** The session a contact's reply is for, and what it says to it. */
  private async findTarget({
    tenantId,
    contactId,
    text,
    payload,
    waitId,
  }: SubmitReply): Promise<Target | undefined> {
    const chosen = readPayload(payload);
    if (chosen) {
      const session = await findSession(this.database, tenantId, chosen.sessionId);
      if (session?.contactId === contactId) {
        const { choice } = chosen;
        return { session, input: { type: 'reply', waitId: waitId || chosen.waitId, text, choice } };
      }
    }
    const session = await findNewestWait(this.database, tenantId, contactId);
    const input = { type: 'reply', waitId, text, choice: chosen ? '' : payload } as const;
    return session && { session, input, onlyIfItWaits: true };
  }

  /** Runs a session with an input, in one transaction. Gives nothing, and writes nothing, where it should wait and does not. */
  private async take(
    { session: ref, input, onlyIfItWaits }: Target,
    message?: ContactMessage,
  ): Promise<TakenReply> {
    const flow = await this.flowVersions.get(ref.tenantId, ref.flowId, ref.flowVersion);
    if (this.time.owes(ref.tenantId)) await this.time.turn();
    return this.outbox.statements(async (tx) => {
      const session = await lockSession(tx, ref.tenantId, ref.id);
      if (!session) throw new DomainError('not_found', 'SESSION_NOT_FOUND', 'Session not found');
      const earlier = await findReply(tx, message);
      if (earlier) return { ...earlier, replayed: true };
      if (onlyIfItWaits && !waitsForReply(session)) return undefined;
      const { result, write } = await this.run(tx, session, flow, input);
      const kept = { sessionId: ref.id, result };
      if (!(await keepReply(tx, message, kept))) {
        // By another session: the caller asks again, and is told what came of it there.
        throw unavailable('The message was taken at the same time');
      }
      // Last of all: nothing is waited for between the look at the session's time and the commit.
      await write();
      return { ...kept, replayed: false };
    });
  }

  /** What comes of an input, and what is left to be written of it. */
  private async run(
    tx: OutboxStatements,
    session: LockedSession,
    flow: CompiledFlow,
    input: SprintInput,
  ): Promise<{ result: ReplyOutcome; write: () => Promise<void> }> {
    if (session.status === 'running' && session.expiresAt <= session.now) {
      await expireLocked(tx, session.tenantId, session.id);
      Object.assign(session, { status: 'expired', entries: session.entries + 1 });
    }
    const { advanced, first } = this.sprintOf(session, flow, input);
    if (first.type !== 'ignored') {
      const result = first.detail['valid'] === false ? 'invalid' : 'accepted';
      return { result, write: () => advanceSessions(tx, [advanced]) };
    }
    const isNoted = session.entries < MAX_ENTRIES_TO_NOTE;
    const result = session.status === 'running' ? 'ignored' : 'ended';
    return { result, write: async () => (isNoted ? noteEntry(tx, advanced) : undefined) };
  }

  private sprintOf(
    session: LockedSession,
    flow: CompiledFlow,
    input: SprintInput,
  ): { advanced: AdvancedSession; first: TimelineEntry } {
    const before = stateOf(session);
    const now = session.now.getTime();
    const sprint = this.time.use(session.tenantId, () => runSprint(flow, before, input, now));
    const { state } = sprint;
    const { tenantId, id, contactId, sequence } = session;
    const sameWait = state.wait !== null && state.wait.id === before.wait?.id;
    const advanced = {
      tenantId,
      id,
      now: session.now,
      lastInteractionAt: new Date(state.lastInteractionAt),
      expiresAt: new Date(state.expiresAt),
      waitingSince: sameWait && session.waitingSince ? session.waitingSince : session.now,
      sprint: columnsOf(sprint, before, now, { flow, contactId, sequence }),
    };
    return { advanced, first: sprint.timeline[0]! };
  }

  /** The versions that some sessions run on; without those that cannot be had now. */
  private async flowsOf(sessions: SessionRef[]): Promise<Map<string, CompiledFlow>> {
    const versions = new Map(sessions.map((session) => [versionKey(session), session]));
    const flows = new Map<string, CompiledFlow>();
    await Promise.all(
      [...versions].map(async ([key, { tenantId, flowId, flowVersion }]) => {
        try {
          flows.set(key, await this.flowVersions.get(tenantId, flowId, flowVersion));
        } catch (error) {
          // flow-catalog is away: its sessions run on when it is back.
          if (!(error instanceof DomainError)) throw error;
        }
      }),
    );
    return flows;
  }
}

/** The number of no wait. */
const NO_WAIT = -1;

/** What a reply says to the session it names. The button of another one's message says nothing to it. */
function targetOf(session: SessionRef, { text, payload, waitId }: SubmitReply): Target {
  const chosen = readPayload(payload);
  if (chosen?.sessionId === session.id) {
    const { choice } = chosen;
    return { session, input: { type: 'reply', waitId: waitId || chosen.waitId, text, choice } };
  }
  if (!chosen) return { session, input: { type: 'reply', waitId, text, choice: payload } };
  return { session, input: { type: 'reply', waitId: text === '' ? NO_WAIT : waitId, text, choice: '' } };
}

function waitsForReply({ status, expiresAt, now, memory }: LockedSession): boolean {
  return status === 'running' && expiresAt > now && memory?.wait?.kind === 'reply';
}

/** What two sessions of the same version have in common. */
export function versionKey({ tenantId, flowId, flowVersion }: SessionRef): string {
  return `${tenantId} ${flowId} ${flowVersion}`;
}
