import { randomUUID } from 'node:crypto';
import { eventually } from '@parley/testing';
import { allSent } from '../evidence.ts';
import type { Frame } from '../wire/frame.ts';
import { pass } from './load.ts';
import type { Reply, Rig, Start } from './rig.ts';

interface Point {
  wire: 'postgres' | 'nats';
  /** What the callers do; default start. */
  by?: 'reply';
  /** Whether the starts have keys. Those without are a single statement. */
  keyed?: boolean;
  /** The message before which the process dies; what it says is never passed on. */
  at: (frame: Frame) => boolean;
}

const WRITES_OF_A_START = /INTO (start_requests|sessions)/;

/** Where a start can die, and a reply, in the order in which they come by. */
export const POINTS = {
  'before its first write': {
    wire: 'postgres',
    keyed: true,
    at: ({ kind, text }) => kind === 'statement' && WRITES_OF_A_START.test(text),
  },
  'after the insert': {
    wire: 'postgres',
    keyed: true,
    at: ({ kind, text }) => kind === 'done' && text.includes('INTO sessions'),
  },
  'before the commit': {
    wire: 'postgres',
    keyed: true,
    at: ({ kind, text, transaction }) => kind === 'statement' && text === 'COMMIT' && isStart(transaction),
  },
  'after the commit': {
    wire: 'postgres',
    keyed: true,
    at: ({ tag, transaction }) => tag === 'COMMIT' && isStart(transaction),
  },
  'before its one statement': {
    wire: 'postgres',
    keyed: false,
    at: (frame) => frame.kind === 'statement' && isStartByItself(frame),
  },
  'after its one statement, and so its commit': {
    wire: 'postgres',
    keyed: false,
    at: (frame) => frame.kind === 'done' && isStartByItself(frame),
  },
  'before the publish': { wire: 'nats', at: ({ kind }) => kind === 'publish' },
  'after the publish': { wire: 'nats', at: ({ kind }) => kind === 'ack' },
  'before the mark': {
    wire: 'postgres',
    at: ({ kind, text }) => kind === 'statement' && /UPDATE outbox SET published_at/.test(text),
  },
  'before what a reply came to': {
    wire: 'postgres',
    by: 'reply',
    at: ({ kind, text }) => kind === 'statement' && ADVANCE.test(text),
  },
  'before the commit of a reply': {
    wire: 'postgres',
    by: 'reply',
    at: ({ kind, text, transaction }) => kind === 'statement' && text === 'COMMIT' && isReply(transaction),
  },
  'after the commit of a reply': {
    wire: 'postgres',
    by: 'reply',
    at: ({ tag, transaction }) => tag === 'COMMIT' && isReply(transaction),
  },
  'after the publish of what a reply came to': {
    wire: 'nats',
    by: 'reply',
    at: ({ kind }) => kind === 'ack',
  },
} satisfies Record<string, Point>;

export type PointName = keyof typeof POINTS;
export const POINT_NAMES = Object.keys(POINTS) as PointName[];

/**
 * Fault 1. Kills the one session process with SIGKILL at a point of a start or a reply, while so many callers make one
 * each and repeat it until it is answered; then starts the process again.
 */
export async function killSessionAt(rig: Rig, name: PointName, callers: number): Promise<void> {
  const { wire, by, keyed, at }: Point = POINTS[name];
  const calls = Array.from({ length: callers }, () => rig.newStart(keyed));
  const waiting = by === 'reply' ? await startAll(rig, calls) : [];
  // So that the next one is of the replies.
  if (by === 'reply' && wire === 'nats') await allSent(rig.query);
  const struck = Promise.withResolvers<void>();
  let done = false;
  rig.wires![wire].watch = async (frame) => {
    if (done || !at(frame)) return 'pass';
    done = true;
    await rig.cluster.kill('session');
    struck.resolve();
    return 'cut';
  };
  const under =
    by === 'reply'
      ? waiting.map((reply) => rig.replyUntilAnswered(reply))
      : calls.map((start) => rig.startUntilAnswered(start));
  const late = pass(10_000).then(() => {
    if (!done) throw new Error(`No ${by ?? 'start'} came by "${name}"`);
  });
  await Promise.race([struck.promise, late]);
  late.catch(() => undefined);
  rig.wires![wire].watch = undefined;
  await rig.cluster.restart('session');
  await Promise.all(under);
}

/** Sessions that wait, and a reply to each. */
async function startAll(rig: Rig, starts: Start[]): Promise<Reply[]> {
  const ids = await Promise.all(starts.map((start) => rig.startUntilAnswered(start)));
  return ids.map((sessionId, index) => ({
    sessionId,
    text: rig.random.pick(['more', 'yes', 'What?']),
    message: randomUUID(),
    phone: index % 2 === 0 ? starts[index]!.phone : undefined,
  }));
}

/**
 * Fault 2. Some commits are made and their answers lost: in turn the connection breaks, or nothing comes until the
 * service gives up. Callers repeat what they were not answered.
 * @returns how many answers were lost
 */
export async function loseCommitAnswers(
  rig: Rig,
  options: { starts: number; callers: number; share: number },
): Promise<number> {
  let lost = 0;
  const commits = (frame: Frame): boolean =>
    (frame.tag === 'COMMIT' && isStart(frame.transaction)) ||
    (frame.kind === 'done' && isStartByItself(frame));
  rig.wires!.postgres.watch = (frame) => {
    if (!commits(frame) || rig.random.next() >= options.share) return 'pass';
    lost += 1;
    return lost % 2 === 0 ? 'cut' : 'hold';
  };
  let left = options.starts;
  const call = async (): Promise<void> => {
    while (left-- > 0) await rig.startUntilAnswered();
  };
  await Promise.all(Array.from({ length: options.callers }, call));
  rig.wires!.postgres.watch = undefined;
  return lost;
}

/**
 * Fault 8. NATS stands still while a publish is under way: before the event reaches it, or with its answer on the
 * way back, until the service has given up on it (5 s); then goes on.
 */
export async function stopNatsDuringPublish(rig: Rig, when: 'publish' | 'ack'): Promise<void> {
  const { nats } = rig.servers;
  const struck = Promise.withResolvers<void>();
  let done = false;
  rig.wires!.nats.watch = ({ kind }) => {
    if (done || kind !== when) return 'pass';
    done = true;
    nats.pause();
    struck.resolve();
    // The event waits in the server's socket and is stored later; the answer is gone.
    return when === 'publish' ? 'pass' : 'cut';
  };
  const logged = rig.cluster.logOf('session').length;
  await rig.startUntilAnswered();
  await struck.promise;
  rig.wires!.nats.watch = undefined;
  // Starts do not wait for NATS.
  await rig.startUntilAnswered();
  await eventually(() => {
    if (!/publishing failed|NATS is away/.test(rig.cluster.logOf('session').slice(logged)))
      throw new Error('Not given up yet');
  });
  nats.resume();
}

/** A statement outside a transaction; it is committed when the server says that it is done. */
function isStartByItself({ text, transaction = [] }: Frame): boolean {
  const last = transaction.findLast((one) => /^(BEGIN|START TRANSACTION|COMMIT|ROLLBACK)\b/.test(one));
  return text.includes('INTO sessions') && (last === undefined || /^(COMMIT|ROLLBACK)/.test(last));
}

/** The statement that writes what a sprint came to. */
const ADVANCE = /UPDATE sessions s SET status = n\.status, current_node_id/;

function isReply(transaction: readonly string[] = []): boolean {
  return transaction.some((text) => ADVANCE.test(text));
}

function isStart(transaction: readonly string[] = []): boolean {
  return transaction.some((text) => text.includes('INTO sessions'));
}
