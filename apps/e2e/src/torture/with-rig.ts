import type { Violation } from '../checker.ts';
import { Rig, type RigOptions } from '../faults/rig.ts';
import type { Findings, TortureContext } from './fault.ts';

/** What a fault on a rig says itself; the checker says the rest. */
export interface Tried {
  violations?: Violation[];
  measured?: Findings['measured'];
  /** How late an expiry may be; default 2,000 ms. */
  lateMs?: number;
  /** Not to be checked: the fault has compared what there is to compare. */
  unchecked?: boolean;
  /** Whether the stream may hold no event twice, not even under one id. */
  onceEach?: boolean;
}

/** Starts a rig, lets the fault have it, holds its history against rows and events, and stops it whatever happens. */
export async function withRig(
  context: TortureContext,
  options: RigOptions,
  work: (rig: Rig) => Promise<Tried>,
): Promise<Findings> {
  const rig = await Rig.start({ ...options, seed: context.random.between(0, 2 ** 31) });
  try {
    context.log('started');
    const { violations = [], measured = {}, lateMs, unchecked, onceEach = false } = await work(rig);
    const found = unchecked ? [] : await rig.check({ onceEach, ...(lateMs !== undefined && { lateMs }) });
    return { calls: rig.history.counts(), violations: [...violations, ...found], measured };
  } finally {
    await rig.stop();
  }
}
