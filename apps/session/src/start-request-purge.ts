import type { Database } from '@parley/postgres';
import { BackgroundLoop, type Logger } from '@parley/service';
import { deleteOldReplies } from './session-replies.ts';
import { deleteOldRequests } from './start-requests.ts';

const INTERVAL_MS = 60_000;
const BATCH_SIZE = 5_000;

/** Deletes request ids and message ids that are no longer remembered. Runs in every replica; nobody waits for it. */
export function startRequestPurge(database: Database, logger: Logger): BackgroundLoop {
  return new BackgroundLoop({
    name: 'Request id purge',
    pauseMs: INTERVAL_MS,
    work: async () => {
      const deleted = [
        await deleteOldRequests(database, BATCH_SIZE),
        await deleteOldReplies(database, BATCH_SIZE),
      ];
      return deleted.includes(BATCH_SIZE);
    },
    logger,
  });
}
