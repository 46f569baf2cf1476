import {
  ConflictPolicy,
  ReplyResult,
  StartResult,
  SessionStatus,
  type StartSessionResponse,
  type SubmitReplyResponse,
} from '@parley/contracts/session';
import fc from 'fast-check';

type Status = 'running' | 'completed' | 'cancelled' | 'expired';

/**
 * What sessions of a flow are, in fifty lines: for each contact a list, the last of which may be running, and the answers
 * given under request ids and to messages. Its flow asks until it is answered "yes", or not at all.
 */
export class Model {
  readonly sessions = new Map<number, { id: string; status: Status }[]>();
  private readonly answers = new Map<string, Answer>();
  private readonly replies = new Map<string, Answer>();

  of(contact: number): { id: string; status: Status }[] {
    return this.sessions.get(contact) ?? [];
  }

  running(contact: number): { id: string; status: string } | undefined {
    return this.of(contact).find(({ status }) => status === 'running');
  }

  end(contact: number, status: Status): void {
    this.sessions.set(
      contact,
      this.of(contact).map((one) => (one.status === 'running' ? { ...one, status } : one)),
    );
  }

  /** What a start has to be answered; a new session gets the id that it was given. */
  start({ contact, key, policy }: StartOf, given: string): Answer {
    const known = this.answers.get(key);
    if (known) return known;
    const running = this.running(contact);
    if (running && policy === ConflictPolicy.FAIL)
      return { result: 'SESSION_ALREADY_RUNNING', id: running.id };
    const stays = running && policy !== ConflictPolicy.RESTART;
    if (!stays) {
      this.end(contact, 'cancelled');
      this.sessions.set(contact, [...this.of(contact), { id: given, status: 'running' }]);
    }
    const answer = stays ? { result: 'already_running', id: running.id } : { result: 'started', id: given };
    if (key !== '') this.answers.set(key, answer);
    return answer;
  }

  /** What a reply has to be answered. A message that nobody waited for is not remembered. */
  reply({ contact, text, message }: ReplyOf): Answer {
    const known = this.replies.get(message);
    if (known) return known;
    const running = this.running(contact);
    if (!running) return { result: 'no_session', id: '' };
    if (text === 'yes') this.end(contact, 'completed');
    const answer = { result: 'accepted', id: running.id };
    if (message !== '') this.replies.set(message, answer);
    return answer;
  }
}

export interface StartOf {
  contact: number;
  /** Request id; empty: none. */
  key: string;
  policy: ConflictPolicy;
}

export interface ReplyOf {
  contact: number;
  text: 'yes' | 'more';
  /** The message's id; empty: none. */
  message: string;
}

export interface Answer {
  result: string;
  id: string;
}

/** What the model is held against. Replicas are numbered. */
export interface Real {
  start(start: StartOf, replica: number): Promise<StartSessionResponse>;
  /** Kills the replica while it starts, and repeats the start at another one until it is answered. */
  startAndKill(start: StartOf, replica: number): Promise<StartSessionResponse>;
  reply(reply: ReplyOf, replica: number): Promise<SubmitReplyResponse>;
  /** Kills the replica while it takes the reply, and repeats that at another one until it is answered. */
  replyAndKill(reply: ReplyOf, replica: number): Promise<SubmitReplyResponse>;
  /** Fails with SESSION_NOT_RUNNING. */
  cancel(id: string, replica: number): Promise<unknown>;
  /** Moves its end to this moment: the clock as it were has gone on. */
  passTime(id: string): Promise<void>;
  /** Moves the end of its wait to this moment, and waits until that was noticed. */
  passWait(id: string): Promise<void>;
  status(id: string, replica: number): Promise<SessionStatus>;
  /** Ids of all sessions of the contact. */
  list(contact: number, replica: number): Promise<string[]>;
}

const NAMES: Partial<Record<SessionStatus, string>> = {
  [SessionStatus.RUNNING]: 'running',
  [SessionStatus.COMPLETED]: 'completed',
  [SessionStatus.CANCELLED]: 'cancelled',
  [SessionStatus.EXPIRED]: 'expired',
};

const RESULTS: Partial<Record<ReplyResult, string>> = {
  [ReplyResult.ACCEPTED]: 'accepted',
  [ReplyResult.NO_SESSION]: 'no_session',
};

type Command = fc.AsyncCommand<Model, Real>;

/** Commands over three contacts, two replicas, and now and then a crash. */
export function commands(): fc.Arbitrary<Iterable<Command>> {
  const contact = fc.nat({ max: 2 });
  const replica = fc.nat({ max: 1 });
  const policy = fc.constantFrom(
    ConflictPolicy.RETURN_RUNNING,
    ConflictPolicy.RETURN_RUNNING,
    ConflictPolicy.FAIL,
    ConflictPolicy.RESTART,
  );
  // A key belongs to one request: contact and policy are part of it.
  const start = fc
    .record({ contact, number: fc.nat({ max: 3 }), policy })
    .map(({ contact, number, policy }) => ({
      contact,
      policy,
      key: number === 0 ? '' : `${contact}-${policy}-${number}`,
    }));
  const starts = fc.tuple(start, replica).map(([one, at]) => startCommand(one, at, false));
  const ends = fc
    .tuple(contact, fc.nat({ max: 3 }), replica)
    .map(([who, back, at]) => cancelCommand(who, back, at));
  const times = contact.map(passTimeCommand);
  const waits = contact.map(passWaitCommand);
  // A message belongs to one reply, as a key to one request.
  const reply = fc
    .record({ contact, number: fc.nat({ max: 3 }), text: fc.constantFrom('yes', 'more', 'more') })
    .map(({ contact, number, text }) => ({
      contact,
      text,
      message: number === 0 ? '' : `${contact}-${text}-${number}`,
    }));
  const replies = fc.tuple(reply, replica).map(([one, at]) => replyCommand(one, at, false));
  const reads = fc.tuple(contact, replica).map(([who, at]) => readCommand(who, at));
  const crashes = fc
    .tuple(start, replica)
    .map(([one, at]) => startCommand({ ...one, key: `crash-${one.contact}-${one.policy}-${at}` }, at, true));
  const repliesKilled = fc
    .tuple(reply, replica)
    .map(([one, at]) =>
      replyCommand({ ...one, message: `crash-${one.contact}-${one.text}-${at}` }, at, true),
    );
  const often = [starts, ends, replies, times, reads, starts, replies, times, reads, starts, replies];
  return fc.commands([...often, ...often, waits, ...often, crashes, repliesKilled], {
    maxCommands: 40,
    size: 'max',
  });
}

function startCommand(start: StartOf, replica: number, kill: boolean): Command {
  const name = `${kill ? 'startAndKill' : 'start'}(${JSON.stringify(start)}, ${replica})`;
  return {
    check: () => true,
    toString: () => name,
    run: async (model, real) => {
      const answer = await (kill ? real.startAndKill(start, replica) : real.start(start, replica)).then(
        ({ result, sessionId }) => ({
          result: result === StartResult.STARTED ? 'started' : 'already_running',
          id: sessionId,
        }),
        (error: unknown) => {
          const { reason, metadata } = refusal(error);
          return { result: reason, id: metadata['session_id'] ?? '' };
        },
      );
      const known = [...model.sessions.values()].flat().map(({ id }) => id);
      equal(name, answer, model.start(start, known.includes(answer.id) ? 'a new id' : answer.id));
    },
  };
}

function replyCommand(reply: ReplyOf, replica: number, kill: boolean): Command {
  const name = `${kill ? 'replyAndKill' : 'reply'}(${JSON.stringify(reply)}, ${replica})`;
  return {
    check: () => true,
    toString: () => name,
    run: async (model, real) => {
      const { result, session } = await (kill
        ? real.replyAndKill(reply, replica)
        : real.reply(reply, replica));
      const answer = { result: RESULTS[result] ?? result, id: session?.id ?? '' };
      equal(name, answer, model.reply(reply));
    },
  };
}

function cancelCommand(contact: number, back: number, replica: number): Command {
  const name = `cancel(contact ${contact}, ${back} back, ${replica})`;
  return {
    check: (model) => model.of(contact).length > back,
    toString: () => name,
    run: async (model, real) => {
      const { id, status } = model.of(contact).at(-1 - back)!;
      const answer = await real.cancel(id, replica).then(
        () => 'cancelled',
        (error: unknown) => {
          const { reason, metadata } = refusal(error);
          return `${reason} ${metadata['status']}`;
        },
      );
      equal(name, answer, status === 'running' ? 'cancelled' : `SESSION_NOT_RUNNING ${status}`);
      if (status === 'running') model.end(contact, 'cancelled');
    },
  };
}

function passTimeCommand(contact: number): Command {
  return {
    check: (model) => model.running(contact) !== undefined,
    toString: () => `passTime(contact ${contact})`,
    run: async (model, real) => {
      await real.passTime(model.running(contact)!.id);
      model.end(contact, 'expired');
    },
  };
}

function passWaitCommand(contact: number): Command {
  return {
    check: (model) => model.running(contact) !== undefined,
    toString: () => `passWait(contact ${contact})`,
    run: async (model, real) => {
      await real.passWait(model.running(contact)!.id);
      model.end(contact, 'completed');
    },
  };
}

function readCommand(contact: number, replica: number): Command {
  const name = `read(contact ${contact}, ${replica})`;
  return {
    check: () => true,
    toString: () => name,
    run: async (model, real) => {
      const expected = model.of(contact);
      equal(name, (await real.list(contact, replica)).toSorted(), expected.map(({ id }) => id).toSorted());
      for (const { id, status } of expected)
        equal(`${name} of ${id}`, NAMES[await real.status(id, replica)], status);
    },
  };
}

/** What a call failed with; anything but an error with a reason goes on. */
function refusal(error: unknown): { reason: string; metadata: Record<string, string> } {
  const { reason, metadata } = error as { reason?: string; metadata?: Record<string, string> };
  if (reason === undefined || metadata === undefined) throw error;
  return { reason, metadata };
}

function equal(what: string, got: unknown, expected: unknown): void {
  const [one, two] = [JSON.stringify(got), JSON.stringify(expected)];
  if (one !== two) throw new Error(`${what} gave ${one}, the model says ${two}`);
}
