import { floodService } from '../abuse/flood-service.ts';
import { targetsIn } from '../abuse/targets.ts';
import { Cluster } from '../cluster.ts';
import { violation, type Violation } from '../invariants.ts';
import type { Fault } from './fault.ts';

const ROUNDS = 4;
/** Streams and pings of a flood. */
const AMOUNT = 10_000;
/** MiB that a service may have gained from the first round to the last. */
const GROWTH = 100;

export const fault: Fault = {
  number: 31,
  title: 'floods of messages, metadata, streams and pings at each service, while others call it',
  async run({ log }) {
    const cluster = await Cluster.start();
    const calls: Record<string, number> = { served: 0 };
    const violations: Violation[] = [];
    const measured: Record<string, number> = {};
    try {
      for (const [app, target] of targetsIn(cluster, AMOUNT)) {
        const memories: number[] = [];
        for (let round = 0; round < ROUNDS; round++) {
          const { floods, bystander, memory } = await floodService(target, cluster.pidOf(app));
          memories.push(memory.after);
          calls['served']! += bystander.served;
          for (const { name, wrong } of floods) {
            if (wrong.length > 0)
              violations.push(...violation('fault 31', `${name} at ${app}: ${wrong.join('; ')}`));
          }
          for (const failure of bystander.failures)
            violations.push(...violation('fault 31', `beside it at ${app}: ${failure}`));
          measured[`longest wait beside a flood at ${app} (ms)`] = Math.round(bystander.longest);
        }
        log(`${app}: ${memories.join(', ')} MiB after each round`);
        measured[`memory of ${app} (MiB)`] = memories.at(-1)!;
        if (memories.at(-1)! - memories[0]! > GROWTH)
          violations.push(...violation('I10', `${app} grew: ${memories.join(', ')} MiB`));
      }
    } finally {
      await cluster.stop();
    }
    return { calls, violations, measured };
  },
};
