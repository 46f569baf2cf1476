import type { Rig, Start } from './rig.ts';

/** Callers of all kinds, until they are told to stop. */
export interface Load {
  /** Waits for the calls under way. */
  stop(): Promise<void>;
}

/**
 * So many calls in a second, whatever becomes of them: seven in ten start a session for a new contact, the others
 * start one for a contact known already, cancel or read, and now and then some sessions fall due. With `retry` a start is repeated until it is answered.
 */
export function startLoad(rig: Rig, options: { perSecond: number; retry?: boolean }): Load {
  const { random } = rig;
  const ids: string[] = [];
  const starts: Start[] = [];
  const pending = new Set<Promise<unknown>>();

  const start = async (known?: Start): Promise<void> => {
    const one = known ? { ...rig.newStart(), phone: known.phone } : rig.newStart();
    if (!known) starts.push(one);
    if (options.retry) ids.push(await rig.startUntilAnswered(one));
    else {
      const answer = await rig.start(one);
      if (answer && answer.status < 400) ids.push((answer.body as { id: string }).id);
    }
  };
  const callOnce = async (): Promise<unknown> => {
    const chance = random.next();
    // Unless the database is away.
    if (chance < 0.02) return rig.shorten(3).catch(() => undefined);
    if (ids.length === 0 || chance < 0.7) return start();
    if (chance < 0.8) return start(random.pick(starts));
    return chance < 0.9 ? rig.cancel(random.pick(ids)) : rig.read(random.pick(ids));
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
