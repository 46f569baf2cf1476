import type { Database } from '@parley/postgres';
import type { EventStream } from './event-stream.ts';
import { selectEvents, type KeptEvent, type Range, type Selection } from './outbox-rows.ts';
import { toPublishError, type PublishError } from './publish-error.ts';

/** Rows under way at once. */
const WAVE_SIZE = 500;
const RETRY_PAUSE_MS = 500;
/** How long NATS may be away, or silent, before a replay gives up. */
export const REPLAY_PATIENCE_MS = 30_000;

export interface ReplayProgress {
  /** Everything selected up to here is in the stream; to go on, begin after it. */
  position: number;
  /** Events the stream took and kept. */
  stored: number;
  /** Events it had taken within its duplicate window, and dropped. */
  duplicates: number;
}

export interface ReplayOptions {
  /** Told after each page of a thousand rows. */
  onProgress?: (progress: ReplayProgress) => void;
  /** Ends the replay after the rows under way. */
  signal?: AbortSignal;
  /** Default 30 s. */
  patienceMs?: number;
}

export interface ReplayResult extends ReplayProgress {
  /** Set when the replay ended early though nobody aborted it. */
  failure?: PublishError;
  finished: boolean;
}

/**
 * Publishes the selected events of a range again, with their ids, in the order they were written; so those of one
 * subject come in the order of their sequence. An event is sent when the one before it of its subject is stored.
 * Fails only when the database does; what NATS does not take is in the result.
 */
export async function replayEvents(
  database: Database,
  stream: EventStream,
  range: Range,
  selection: Selection,
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  const { onProgress = () => undefined, signal, patienceMs = REPLAY_PATIENCE_MS } = options;
  const progress: ReplayProgress = { position: range.after, stored: 0, duplicates: 0 };
  for await (const { events, last } of selectEvents(database, range, selection)) {
    for (const wave of waves(events)) {
      if (signal?.aborted) return { ...progress, finished: false };
      for (const turn of turns(wave)) {
        const failure = await sendTurn(stream, turn, progress, patienceMs);
        if (failure) return { ...progress, failure, finished: false };
      }
      progress.position = Number(wave.at(-1)![0]!.position);
    }
    progress.position = last;
    onProgress({ ...progress });
  }
  return { ...progress, finished: true };
}

/** The rows of a page, each with its events, cut where a subject comes again: what is under way together has no order. */
function waves(events: KeptEvent[]): KeptEvent[][][] {
  const cut: KeptEvent[][][] = [];
  let subjects = new Set<string>();
  for (const row of Map.groupBy(events, ({ position }) => position).values()) {
    const key = `${row[0]!.tenantId} ${row[0]!.subject}`;
    if (subjects.has(key) || subjects.size === WAVE_SIZE) subjects = new Set();
    if (subjects.size === 0) cut.push([]);
    subjects.add(key);
    cut.at(-1)!.push(row);
  }
  return cut;
}

/** The first event of each row, then the second of each, and so on. */
function turns(rows: KeptEvent[][]): KeptEvent[][] {
  const longest = Math.max(...rows.map(({ length }) => length));
  return Array.from({ length: longest }, (_, turn) => rows.flatMap((row) => row[turn] ?? []));
}

/** Sends all of a turn, those that fail again and again until patience ends. Gives the failure that ended it. */
async function sendTurn(
  stream: EventStream,
  turn: KeptEvent[],
  progress: ReplayProgress,
  patienceMs: number,
): Promise<PublishError | undefined> {
  const end = performance.now() + patienceMs;
  for (let left = turn; ;) {
    const results = await Promise.allSettled(left.map((event) => stream.publish(event)));
    for (const result of results) {
      if (result.status === 'fulfilled') progress[result.value ? 'duplicates' : 'stored'] += 1;
    }
    left = left.filter((_event, index) => results[index]?.status === 'rejected');
    const failed = results.find((result) => result.status === 'rejected');
    if (!failed) return undefined;
    const failure = toPublishError(failed.reason);
    // Waiting makes no room, and no other rule.
    const hopeless =
      failure.reason === 'stream_full' || failure.reason === 'too_large' || failure.reason === 'refused';
    if (hopeless || performance.now() > end) return failure;
    await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
  }
}
