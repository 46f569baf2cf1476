import { loadContacts, loadSessions } from './bulk-rows.ts';
import { measureGrid } from './grid.ts';
import type { Cell } from './grid.ts';
import type { Meter } from './measure.ts';
import type { BenchOptions } from './options.ts';
import type { Parley } from './systems/parley.ts';

/** Name of the Parley that is filled. */
export const FULL = 'parley-full';

/**
 * Fills a Parley with contacts and sessions, half of them running and none of those due, and measures it and an empty one
 * by turns.
 */
export async function measureRows(
  empty: Parley,
  full: Parley,
  options: Pick<BenchOptions, 'rounds' | 'seconds' | 'connections' | 'rows'>,
  meter: Meter,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Cell[]> {
  const { databases, tenant_id: tenant } = full.stack;
  log(`Storing ${options.rows} contacts and as many sessions`);
  await loadContacts(databases.contact, tenant, options.rows);
  const half = Math.ceil(options.rows / 2);
  const later = "now() + interval '7 days'";
  const past = "now() - interval '23 hours'";
  await loadSessions(
    databases.session,
    tenant,
    { count: half, flow: 1, status: 'running', expiresAt: later },
    signal,
  );
  await loadSessions(
    databases.session,
    tenant,
    { count: options.rows - half, flow: 2, status: 'expired', expiresAt: past },
    signal,
  );
  // What storing left to write is not to be written while something is measured.
  for (const parley of [empty, full]) await parley.checkpoint();
  return measureGrid([empty, full], { ...options, workloads: ['phone'] }, meter, log);
}
