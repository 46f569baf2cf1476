import { lastLines, pollUntil } from '@parley/local-servers';
import type { PostgresServer, StartedProcess } from '@parley/local-servers';
import { onDatabase } from '../bulk-rows.ts';

/** A new database on a server; gives its URL. */
export async function createDatabase(server: PostgresServer, name: string): Promise<string> {
  await onDatabase(server.url, (client) =>
    client.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`),
  );
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return url.href;
}

/** Waits until something answers HTTP, with whatever status. */
export async function waitUntilAnswers(
  started: StartedProcess,
  origin: string,
  signal: AbortSignal,
): Promise<void> {
  let ended = false;
  void started.exited.then(() => (ended = true));
  const probe = async (): Promise<boolean | undefined> => {
    if (ended) return false;
    try {
      await (await fetch(origin, { signal: AbortSignal.timeout(1_000) })).arrayBuffer();
      return true;
    } catch {
      return undefined;
    }
  };
  if ((await pollUntil(probe, { timeoutMs: 60_000, everyMs: 100, signal })) === true) return;
  await started.stop();
  throw new Error([`${started.name} did not get ready:`, ...lastLines(started.logFile, 20)].join('\n'));
}
