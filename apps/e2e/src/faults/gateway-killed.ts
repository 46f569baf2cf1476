import type { Violation } from '../checker.ts';
import { violation } from '../invariants.ts';
import type { Rig } from './rig.ts';

/**
 * Fault 9. Kills the gateway with SIGKILL while so many starts are in flight; their callers repeat them with their
 * keys until they are answered, and once more when all is over.
 */
export async function killGateway(rig: Rig, inFlight: number): Promise<Violation[]> {
  const before = rig.history.calls.length;
  const starts = Array.from({ length: inFlight }, () => rig.newStart(true));
  const callers = starts.map((start) => rig.startUntilAnswered(start));
  // Some have their answers, the others have not.
  while (rig.history.calls.length <= before) await new Promise(setImmediate);
  await rig.cluster.kill('gateway');
  await rig.cluster.restart('gateway');
  await Promise.all(callers);
  const repeated = rig.history.calls.length;
  await Promise.all(starts.map((start) => rig.startUntilAnswered(start)));
  return rig.history.calls
    .slice(repeated)
    .filter(({ outcome, replayed }) => outcome === 'ok' && replayed !== true)
    .flatMap(({ key }) => violation('I3', `the last answer under ${key} was not a repeated one`));
}
