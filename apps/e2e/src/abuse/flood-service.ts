import { fileURLToPath } from 'node:url';
import { runCommand } from '@parley/local-servers';
import { heldBy } from '../resources.ts';
import { Bystander } from './bystander.ts';
import type { Target } from './floods.ts';

const PROCESS = fileURLToPath(new URL('flood-process.ts', import.meta.url));

export interface Flooded {
  /** Each flood with what was wrong with its answers; nothing is well. */
  floods: { name: string; wrong: string[]; ms: number }[];
  bystander: Bystander;
  /** Resident memory of the service, MiB. */
  memory: { before: number; after: number };
}

/** All floods at one service, while another caller goes on calling it. */
export async function floodService(target: Target, pid: number): Promise<Flooded> {
  const { address, path, request, amount } = target;
  const before = heldBy(pid).memory;
  const bystander = new Bystander(address, path, request);
  const floods: Flooded['floods'] = [];
  await runCommand(process.execPath, [PROCESS, address, path, request.toString('base64'), String(amount)], {
    env: { ...process.env, NODE_OPTIONS: '' },
    onLine: (line) => floods.push(JSON.parse(line) as Flooded['floods'][number]),
  });
  await bystander.stop();
  return { floods, bystander, memory: { before, after: heldBy(pid).memory } };
}
