import { randomUUID } from 'node:crypto';
import type { Rig, Start } from './rig.ts';

/** Callers of all kinds, until they are told to stop. */
export interface Load {
  /** Waits for the calls under way. */
  stop(): Promise<void>;
}

/**
 * So many calls in a second, whatever becomes of them: half start a session for a new contact, the others start one for a
 * contact known already, reply, cancel or read, and now and then waits and sessions fall due. With `retry` a start and a
 * reply are repeated until they are answered.
 */
export function startLoad(rig: Rig, options: { perSecond: number; retry?: boolean }): Load {
  const { random } = rig;
  const sessions: { id: string; phone: string }[] = [];
  const starts: Start[] = [];
  const pending = new Set<Promise<unknown>>();

  const start = async (known?: Start): Promise<void> => {
    const one = known ? { ...rig.newStart(), phone: known.phone } : rig.newStart();
    if (!known) starts.push(one);
    const { phone } = one;
    if (options.retry) sessions.push({ id: await rig.startUntilAnswered(one), phone });
    else {
      const answer = await rig.start(one);
      if (answer && answer.status < 400) sessions.push({ id: (answer.body as { id: string }).id, phone });
    }
  };
  const reply = async (): Promise<unknown> => {
    // Mostly to one that was begun a moment ago, and so is likely to wait.
    const { id: sessionId, phone } = random.pick(random.next() < 0.8 ? sessions.slice(-20) : sessions);
    const text = random.pick(['more', 'more', 'more', 'yes', 'What?']);
    const one = { sessionId, text, message: randomUUID(), phone: random.next() < 0.5 ? phone : undefined };
    return options.retry ? rig.replyUntilAnswered(one) : rig.reply(one);
  };
  const callOnce = async (): Promise<unknown> => {
    const chance = random.next();
    // Unless the database is away.
    if (chance < 0.02) return rig.shorten(3).catch(() => undefined);
    if (sessions.length === 0 || chance < 0.5) return start();
    if (chance < 0.6) return start(random.pick(starts));
    if (chance < 0.85) return reply();
    return chance < 0.92 ? rig.cancel(random.pick(sessions).id) : rig.read(random.pick(sessions).id);
  };
  const timer = setInterval(() => {
    const call = callOnce().finally(() => pending.delete(call));
    pending.add(call);
  }, 1_000 / options.perSecond);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(pending);
    },
  };
}

/** Load before a baseline is measured: a process that has served nothing yet holds less than it ever will again. */
export async function warmUp(rig: Rig, perSecond: number, ms: number): Promise<void> {
  const load = startLoad(rig, { perSecond });
  await pass(ms);
  await load.stop();
}

/** Waits. Only for what is a matter of time itself, such as how long a server is away. */
export function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
