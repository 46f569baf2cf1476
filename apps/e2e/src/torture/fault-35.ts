import { sendGenerated } from '../abuse/generated-calls.ts';
import { requestGenerated } from '../abuse/generated-requests.ts';
import { nameOf, ROUTES } from '../abuse/operations.ts';
import { rawClients, RPCS } from '../abuse/rpcs.ts';
import { thingsOf } from '../abuse/things.ts';
import { Cluster } from '../cluster.ts';
import { violation, type Violation } from '../invariants.ts';
import type { Fault } from './fault.ts';

/** Of each route and of each RPC; PARLEY_RUNS in its place. */
const RUNS = Number(process.env['PARLEY_RUNS'] ?? 500);

export const fault: Fault = {
  number: 35,
  title: 'generated requests to every route, and bytes to every RPC',
  async run({ random, log }) {
    const cluster = await Cluster.start();
    const clients = rawClients(cluster);
    const calls: Record<string, number> = {};
    const violations: Violation[] = [];
    const options = { numRuns: RUNS, seed: random.between(1, 2 ** 31 - 1) };
    const count = (counts: Record<string, number>): void => {
      for (const [answer, times] of Object.entries(counts)) calls[answer] = (calls[answer] ?? 0) + times;
    };
    const attempt = async (name: string, send: () => Promise<Record<string, number>>): Promise<void> => {
      try {
        count(await send());
      } catch (error) {
        // It says the request, in its smallest form, and the seed that leads to it again.
        violations.push(
          ...violation('fault 35', `${name}: ${error instanceof Error ? error.message : String(error)}`),
        );
      }
    };
    try {
      const things = await thingsOf(cluster, 'acme', '+14155550100');
      const ids = [things.flow, things.contact, things.session];
      log(`${RUNS} requests to each of ${ROUTES.length} routes, seed ${options.seed}`);
      for (const route of ROUTES)
        await attempt(nameOf(route), () => requestGenerated(route, cluster, ids, options));
      log(`${RUNS} calls of each of ${RPCS.length} RPCs`);
      for (const rpc of RPCS) {
        const caller = { client: clients.get(rpc.app)!, tenantId: cluster.tenantIdOf(), things };
        await attempt(rpc.name, () => sendGenerated(rpc, caller, options));
      }
      for (const name of cluster.names) {
        const unexpected = cluster.logOf(name).match(/"message":"(Unexpected error|Ended by[^"]*)"/g) ?? [];
        if (unexpected.length > 0)
          violations.push(
            ...violation('fault 35', `${name} logged ${unexpected.length} times ${unexpected[0]}`),
          );
      }
    } finally {
      for (const client of clients.values()) client.close();
      await cluster.stop();
    }
    return { calls, violations };
  },
};
