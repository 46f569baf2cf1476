import type { Violation } from '../checker.ts';
import type { Name } from '../cluster.ts';
import { violation } from '../invariants.ts';
import { pass, startLoad } from './load.ts';
import type { Rig } from './rig.ts';

/** P10: 2 s, and the machine is shared. */
const ANSWERED_WITHIN_MS = 4_000;

/**
 * Fault 10. Kills a service with SIGKILL, every replica of it, under load: callers are told 503 in time or better,
 * and all goes on when it is back. What is half written the checker finds.
 */
export async function killService(
  rig: Rig,
  names: Name[],
  awayMs: number,
  perSecond: number,
): Promise<Violation[]> {
  const before = rig.history.calls.length;
  const load = startLoad(rig, { perSecond });
  await pass(300);
  await Promise.all(names.map((name) => rig.cluster.kill(name)));
  await pass(awayMs);
  await Promise.all(names.map((name) => rig.cluster.restart(name)));
  await load.stop();
  await rig.startUntilAnswered();
  return rig.history.calls.slice(before).flatMap((call) => {
    const ms = call.answeredAt - call.sentAt;
    const slow = ms > ANSWERED_WITHIN_MS ? violation('I9', `a ${call.kind} had no answer for ${ms} ms`) : [];
    if (call.outcome !== 'unknown' || call.status === 503) return slow;
    return violation('I9', `a ${call.kind} was answered ${call.status}: ${JSON.stringify(call.answer)}`);
  });
}
