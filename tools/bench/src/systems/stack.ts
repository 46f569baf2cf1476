import { existsSync, readFileSync } from 'node:fs';
import { lastLines, pollUntil } from '@parley/local-servers';
import type { StartedProcess } from '@parley/local-servers';

/** The first one builds the services. */
const READY_TIMEOUT_MS = 300_000;

/** What is read here of the stack.json that `npm start` writes. */
export interface Stack {
  gateway: string;
  nats: string;
  databases: Record<'contact' | 'session', string>;
  tenant_id: string;
  token: string;
  pids: Record<'gateway' | 'contact' | 'flow_catalog' | 'channel', number>;
  replicas: { session: { address: string; pid: number }[] };
}

/**
 * Waits until `npm start` has written that file.
 * @throws Error with the end of its output when it ends before, or is not ready after five minutes
 */
export async function waitForStack(
  started: StartedProcess,
  file: string,
  signal: AbortSignal,
): Promise<Stack> {
  let ended = false;
  void started.exited.then(() => (ended = true));
  const probe = (): boolean | undefined => (ended ? false : existsSync(file) || undefined);
  if ((await pollUntil(probe, { timeoutMs: READY_TIMEOUT_MS, everyMs: 100, signal })) !== true)
    throw new Error([`${started.name} did not get ready:`, ...lastLines(started.logFile, 20)].join('\n'));
  return JSON.parse(readFileSync(file, 'utf8')) as Stack;
}
