import { messageOf } from '@parley/errors';
import type { Database } from '@parley/postgres';
import { natsUrls, readSettings, type Logger } from '@parley/service';
import { z } from 'zod';
import { EventStream, type StreamFacts } from './event-stream.ts';
import { replayEvents, REPLAY_PATIENCE_MS, type ReplayResult } from './outbox-replay.ts';
import { countEvents, type Range, type Selection } from './outbox-rows.ts';

export interface ReplayCommand {
  database: Database;
  facts: StreamFacts;
  selection: Selection;
  range: Range;
  logger: Logger;
  dryRun: boolean;
  json: boolean;
}

const PROGRESS_INTERVAL_MS = 2_000;
const INTERRUPTED = 130;
/** Often a slip in an option. */
const NOTHING = 'No kept event is like that; "status" shows the names and times of those there are.';

/** Notes for the person who watches: apart from the result, which may be piped on. */
const note = (line: string): void => console.error(line);

/** Replays or counts, says what came of it, and gives the exit code. */
export async function runReplay(command: ReplayCommand): Promise<number> {
  const { database, range, selection, json } = command;
  if (command.dryRun) {
    const progress = progressOf(range);
    const counts = await countEvents(database, range, selection, (position) => progress(position, ''));
    const total = counts.reduce((sum, { events }) => sum + events, 0);
    if (json) {
      const bySubject = Object.fromEntries(counts.map(({ type, events }) => [type, events]));
      console.log(JSON.stringify({ would_send: total, by_subject: bySubject, ...range }));
      return 0;
    }
    console.log(`A replay would send ${total} events; nothing was sent.`);
    for (const { type, events } of counts) console.log(`  ${type.padEnd(24)} ${String(events).padStart(10)}`);
    if (total === 0) note(NOTHING);
    return 0;
  }
  const result = await replay(command);
  const { stored, duplicates, position, finished } = result;
  if (json)
    console.log(JSON.stringify({ finished, stored, duplicates, position, failure: result.failure?.reason }));
  else {
    console.log(
      `${finished ? 'Done' : 'Stopped'}: ${stored + duplicates} events sent; the stream stored ${stored} of them and dropped ${duplicates} it had just got.`,
    );
  }
  if (finished) {
    if (stored + duplicates === 0) note(NOTHING);
    return 0;
  }
  if (result.failure) note(`${result.failure.message}${causeOf(result.failure)}.`);
  note(`To go on: replay ${resumeOptions(selection, position)}`);
  return result.failure ? 1 : INTERRUPTED;
}

async function replay({ database, facts, selection, range, logger }: ReplayCommand): Promise<ReplayResult> {
  const { NATS_URL } = readSettings(z.object({ NATS_URL: natsUrls }), process.env);
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => abort.abort());
  const stream = new EventStream({ ...facts, url: NATS_URL, logger });
  try {
    await connected(stream, NATS_URL);
    note(`Replaying to stream ${facts.name}, from position ${range.after} to ${range.last}`);
    const progress = progressOf(range);
    return await replayEvents(database, stream, range, selection, {
      signal: abort.signal,
      onProgress: ({ position, stored, duplicates }) =>
        progress(position, `, ${stored} stored, ${duplicates} dropped as duplicates`),
    });
  } finally {
    stream.close();
  }
}

async function connected(stream: EventStream, url: string): Promise<void> {
  if (stream.connected) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  stream.onConnected(resolve);
  const hosts = url.split(',').map((one) => (URL.canParse(one) ? new URL(one).host : 'NATS_URL'));
  const timer = setTimeout(() => {
    reject(new Error(`No JetStream at ${hosts.join(', ')} within ${REPLAY_PATIENCE_MS / 1_000} s.`));
  }, REPLAY_PATIENCE_MS);
  await promise.finally(() => clearTimeout(timer));
}

/** A line now and then, on long work only. */
function progressOf({ after, last }: Range): (position: number, more: string) => void {
  let saidAt = performance.now();
  return (position, more) => {
    if (performance.now() - saidAt < PROGRESS_INTERVAL_MS) return;
    saidAt = performance.now();
    const percent = Math.floor((100 * (position - after)) / Math.max(1, last - after));
    note(`  ${percent} %: at position ${position} of ${last}${more}`);
  };
}

/** The same replay, from there on. Times are written out: "2h" would mean another one by then. */
function resumeOptions({ since, until, types, tenantId }: Selection, position: number): string {
  return [
    ...(since ? ['--since', since.toISOString()] : []),
    ...(until ? ['--until', until.toISOString()] : []),
    ...types.flatMap((type) => ['--subject', type]),
    ...(tenantId === undefined ? [] : ['--tenant', tenantId]),
    '--after',
    String(position),
  ].join(' ');
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? ` (${messageOf(error.cause)})` : '';
}
