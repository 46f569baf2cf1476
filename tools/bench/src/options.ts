import { parseArgs } from 'node:util';
import { WORKLOADS } from './systems/system.ts';
import type { Workload } from './systems/system.ts';

export interface BenchOptions {
  rounds: number;
  /** Of each cell, after its warm-up. */
  seconds: number;
  connections: number[];
  systems: SystemName[];
  workloads: Workload[];
  halfLoad: boolean;
  /** Stored contacts and sessions to be compared with an empty database; 0: not compared. */
  rows: number;
  expiry: boolean;
}

/**
 * conversing: parley, with a flow whose first sprint asks the contact something; its channel service stands still. heard:
 * the same with the channel service at work, which is handed every message.
 */
export const SYSTEMS = ['parley', 'conversing', 'heard', 'floor', 'naive', 'restate', 'dbos'] as const;

export type SystemName = (typeof SYSTEMS)[number];

const PEERS: readonly SystemName[] = ['restate', 'dbos'];
const ALL_ROWS = 1_000_000;

export const HELP = `npm run bench [-- options]: how fast Parley starts sessions on this machine, and how fast it could be.

  --rounds <n>            each cell is measured so often; medians and ranges are shown (default 3)
  --seconds <n>           of each measurement, after a second of warm-up (default 4)
  --connections <n,n,…>   at the same time (default 1,32,128)
  --only <name,name,…>    of ${SYSTEMS.join(', ')} (default parley,conversing,heard,floor,naive) and of
                          the workloads ${WORKLOADS.join(', ')} (default all)
  --peers                 also Restate and DBOS, which npm installs into tools/bench/peers
  --half-load             latency and event lag at half of what parley reaches at the most connections
  --rows <n>              also on so many stored contacts and sessions (in --all: 1000000)
  --expiry                100,000 sessions due in one second, and 1,000,000 that are not due
  --all                   all of the above
  --help                  this text

Everything runs on free ports with a Postgres and a NATS of its own, in .parley/bench, and is stopped and removed at the
end, except for the figures: .parley/bench/<time>.json. The exit code is 1 when a started session or its event is missing.`;

/**
 * Undefined: the help is asked for.
 * @throws Error naming the option that cannot be used
 */
export function readOptions(args: string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      connections: { type: 'string', default: '1,32,128' },
      only: { type: 'string', default: '' },
      peers: { type: 'boolean', default: false },
      'half-load': { type: 'boolean', default: false },
      rows: { type: 'string' },
      expiry: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const only = values.only === '' ? [] : values.only.split(',');
  const isSystem = (name: string): name is SystemName => (SYSTEMS as readonly string[]).includes(name);
  const isWorkload = (name: string): name is Workload => (WORKLOADS as readonly string[]).includes(name);
  const unknown = only.find((name) => !isSystem(name) && !isWorkload(name));
  if (unknown !== undefined) throw new Error(`--only: there is no ${unknown}; see --help`);
  const peers = values.peers || values.all;
  const systems = only.filter(isSystem);
  const workloads = only.filter(isWorkload);
  return {
    rounds: number('--rounds', values.rounds, 1, 100),
    seconds: number('--seconds', values.seconds, 1, 600),
    connections: values.connections.split(',').map((text) => number('--connections', text, 1, 10_000)),
    systems: systems.length > 0 ? systems : SYSTEMS.filter((name) => peers || !PEERS.includes(name)),
    workloads: workloads.length > 0 ? workloads : [...WORKLOADS],
    halfLoad: values['half-load'] || values.all,
    rows:
      values.rows === undefined
        ? values.all
          ? ALL_ROWS
          : 0
        : number('--rows', values.rows, 1_000, 5_000_000),
    expiry: values.expiry || values.all,
  };
}

function number(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,8}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Error(`${option} takes whole numbers from ${min} to ${max}, not "${text}"`);
}
