import { readdirSync, readFileSync } from 'node:fs';

/** A process that belongs to a system, by its name in the table. */
export interface SystemProcess {
  name: string;
  pid: number;
  /** Its children count as it, as those of Postgres do. */
  withChildren?: boolean;
}

/** Of /proc/<pid>/stat, on every Linux. */
const TICKS_PER_SECOND = 100;

/** CPU that a process has used so far, ms; NaN where there is no /proc. */
export function cpuOf(process: SystemProcess): number {
  const own = ticksOf(process.pid);
  if (own === undefined) return Number.NaN;
  // What children used that have ended is in their parent's.
  const children = process.withChildren ? childrenOf(process.pid).map((pid) => ticksOf(pid)?.own ?? 0) : [];
  const ended = process.withChildren ? own.endedChildren : 0;
  return ((own.own + ended + sum(children)) * 1_000) / TICKS_PER_SECOND;
}

/** The most memory a process has ever held (VmHWM), MiB; of one with children, that of the largest. NaN without /proc. */
export function peakMemoryOf(process: SystemProcess): number {
  const pids = [process.pid, ...(process.withChildren ? childrenOf(process.pid) : [])];
  return Math.max(...pids.map(peakOf));
}

function peakOf(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return kib === undefined ? Number.NaN : Number(kib) / 1_024;
}

function ticksOf(pid: number): { own: number; endedChildren: number } | undefined {
  const fields = fieldsOf(pid);
  if (fields === undefined) return undefined;
  // utime, stime, cutime, cstime are fields 14 to 17; the first here is field 3.
  const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return { own: user + system, endedChildren: childUser + childSystem };
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => Number(fieldsOf(pid)?.[1]) === parent);
}

/** The fields of /proc/<pid>/stat after the command, which may hold spaces and brackets. */
function fieldsOf(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
