import type { Database } from '@parley/postgres';
import type { EventStream } from './event-stream.ts';
import { selectRows, type KeptEvent, type Range, type Selection } from './outbox-rows.ts';
import { toPublishError, type PublishError } from './publish-error.ts';

/** Publishes under way at once. */
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
  /** Ends the replay after the wave under way. */
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
 * Publishes the selected rows of a range again, with their ids, in the order they were written; so those of one
 * subject come in the order of their sequence. An event is sent when the one before it of its subject is stored.
 * Fails only when the database does; what NATS does not take is in the result.
 */
export async function replayRows(
  database: Database,
  stream: EventStream,
  range: Range,
  selection: Selection,
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  const { onProgress = () => undefined, signal, patienceMs = REPLAY_PATIENCE_MS } = options;
  const progress: ReplayProgress = { position: range.after, stored: 0, duplicates: 0 };
  for await (const { events, last } of selectRows(database, range, selection)) {
    for (const wave of waves(events)) {
      // Events of one row have one position, and may be in two waves.
      progress.position = Number(wave[0]!.position) - 1;
      if (signal?.aborted) return { ...progress, finished: false };
      const failure = await sendWave(stream, wave, progress, patienceMs);
      if (failure) return { ...progress, failure, finished: false };
    }
    progress.position = last;
    onProgress({ ...progress });
  }
  return { ...progress, finished: true };
}

/** Cuts a page where a subject comes again: what is under way together has no order. */
function waves(events: KeptEvent[]): KeptEvent[][] {
  const cut: KeptEvent[][] = [];
  let subjects = new Set<string>();
  for (const event of events) {
    const key = `${event.tenantId} ${event.subject}`;
    if (subjects.has(key) || subjects.size === WAVE_SIZE) subjects = new Set();
    if (subjects.size === 0) cut.push([]);
    subjects.add(key);
    cut.at(-1)!.push(event);
  }
  return cut;
}

/** Sends all of a wave, those that fail again and again until patience ends. Gives the failure that ended it. */
async function sendWave(
  stream: EventStream,
  wave: KeptEvent[],
  progress: ReplayProgress,
  patienceMs: number,
): Promise<PublishError | undefined> {
  const end = performance.now() + patienceMs;
  for (let left = wave; ;) {
    const results = await Promise.allSettled(left.map((event) => stream.publish(event)));
    for (const result of results) {
      if (result.status === 'fulfilled') progress[result.value ? 'duplicates' : 'stored'] += 1;
    }
    left = left.filter((_event, index) => results[index]?.status === 'rejected');
    const failed = results.find((result) => result.status === 'rejected');
    if (!failed) return undefined;
    const failure = toPublishError(failed.reason);
    // Waiting makes no room, and no other rule.
    const hopeless = failure.reason === 'stream_full' || failure.reason === 'refused';
    if (hopeless || performance.now() > end) return failure;
    await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
  }
}
