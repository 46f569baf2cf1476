import { messageOf } from '@parley/errors';
import { Database } from '@parley/postgres';
import { Logger, postgresUrl, readSettings } from '@parley/service';
import { z } from 'zod';
import {
  readOutboxArguments,
  UsageError,
  type GivenTime,
  type OutboxArguments,
  type OutboxFacts,
} from './outbox-arguments.ts';
import { MAX_COUNTED, readPending } from './outbox-metrics.ts';
import { runReplay } from './outbox-replay-command.ts';
import { countEvents, rangeFrom, type Selection } from './outbox-rows.ts';

const help = ({
  name,
  example,
}: OutboxFacts): string => `Shows and replays the outbox whose database is DATABASE_URL: the events of stream ${name}.

  status                       events waiting to be sent, and those kept, by subject
  replay --since TIME          sends kept events to NATS_URL once more, with the ids they had
         [--until TIME]        only those before it (default: all there are now)
         [--subject NAME]      only events of this name, such as ${example}; repeatable
         [--tenant ID]         only this tenant's, a UUID
         [--after POSITION]    goes on behind a position that an earlier replay printed
         [--dry-run]           counts them and sends nothing

  TIME is 2026-11-23T10:00:00Z (always with its zone), a day (2026-11-23, from 0:00 UTC), or how long ago by the
  database's clock: 90s, 30m, 2h, 7d. It is compared with the time of the event.
  --json                       answers as JSON, on one line

Events go in the order they were written, so those of one session keep theirs, and an event is sent when the one before
it of its session is stored. A stream that is missing is made. Events that wait to be sent are the service's own affair
and left out; it need not be stopped.

The ids are the events' own. What the stream got within its duplicate window (5 minutes unless you changed it), it
drops; anything older that it still holds, it stores and delivers a second time. Consumers know those by the id.

Ctrl-C stops after the events under way and prints how to go on. Rows are kept for OUTBOX_RETENTION_DAYS.`;

/**
 * The life of an outbox command: does what the arguments say with DATABASE_URL and NATS_URL, and ends the process with
 * 0, with 1 when it could not, or with 130 when a replay was interrupted.
 */
export async function runOutboxCommand(facts: OutboxFacts): Promise<never> {
  let code: number;
  try {
    code = await run(facts, readOutboxArguments(process.argv.slice(2), facts));
  } catch (error) {
    console.error(messageOf(error));
    code = 1;
  }
  // A connection to NATS that was never made would keep the process.
  return process.exit(code);
}

async function run(facts: OutboxFacts, given: OutboxArguments): Promise<number> {
  if (given.command === 'help') {
    console.log(help(facts));
    return 0;
  }
  const { DATABASE_URL } = readSettings(z.object({ DATABASE_URL: postgresUrl }), process.env);
  const database = await Database.connect({ url: DATABASE_URL, name: 'outbox', poolSize: 2 });
  try {
    if (given.command === 'status') return await showStatus(database, given.json);
    const selection: Selection = {
      since: await resolve(database, given.since),
      until: await resolve(database, given.until),
      types: given.types,
      tenantId: given.tenantId,
    };
    const range = await rangeFrom(database, selection.since);
    if (given.after !== undefined) {
      if (given.after > range.last)
        throw new UsageError(
          `--after ${given.after} is behind the last event kept, at position ${range.last}.`,
        );
      range.after = Math.max(range.after, given.after);
    }
    const logger = new Logger('outbox', 'silent');
    return await runReplay({ database, facts, selection, range, logger, ...given });
  } finally {
    await database.close();
  }
}

async function resolve(database: Database, time: GivenTime | undefined): Promise<Date | undefined> {
  if (time === undefined || 'at' in time) return time?.at;
  const [row] = await database.query<{ time: Date }>(
    `SELECT date_trunc('milliseconds', clock_timestamp() - make_interval(secs => $1)) AS time`,
    [time.secondsAgo],
  );
  return row!.time;
}

async function showStatus(database: Database, json: boolean): Promise<number> {
  const { events, oldest } = await readPending(database);
  const kept = await countEvents(database, await rangeFrom(database), { types: [] });
  if (json) {
    const counted = kept.map(({ type, ...rest }) => ({ subject: type, ...rest }));
    console.log(JSON.stringify({ waiting: events, oldest_waiting_seconds: oldest, kept: counted }));
    return 0;
  }
  const many = events > MAX_COUNTED ? `more than ${MAX_COUNTED}` : String(events);
  console.log(
    `Waiting to be sent: ${many}${oldest === null ? '' : `, the oldest for ${oldest.toFixed(1)} s`}`,
  );
  console.log(`Kept for a replay: ${kept.reduce((total, row) => total + row.events, 0)}`);
  for (const { type, events: count, first, last } of kept) {
    console.log(
      `  ${type.padEnd(24)} ${String(count).padStart(10)}  ${first.toISOString()} to ${last.toISOString()}`,
    );
  }
  return 0;
}
