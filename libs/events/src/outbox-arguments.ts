import { parseArgs } from 'node:util';
import { messageOf } from '@parley/errors';
import { z } from 'zod';
import type { StreamFacts } from './event-stream.ts';

/** Something the person at the terminal got wrong. */
export class UsageError extends Error {}

/** Whose outbox it is. */
export interface OutboxFacts extends StreamFacts {
  /** The name of one of its events, for help: session.started. */
  example: string;
}

/** A time as it was given: fixed, or so many seconds before now by the database's clock. */
export type GivenTime = { at: Date } | { secondsAgo: number };

export interface OutboxArguments {
  command: 'help' | 'status' | 'replay';
  since: GivenTime | undefined;
  until: GivenTime | undefined;
  after: number | undefined;
  types: string[];
  tenantId: string | undefined;
  dryRun: boolean;
  json: boolean;
}

const OPTIONS = {
  since: { type: 'string' },
  until: { type: 'string' },
  after: { type: 'string' },
  subject: { type: 'string', multiple: true },
  tenant: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const REPLAY_ONLY = ['since', 'until', 'after', 'subject', 'tenant'] as const;
const UNIT_SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** @throws UsageError that says what is wrong, for the terminal */
export function readOutboxArguments(args: string[], facts: OutboxFacts): OutboxArguments {
  const { values, positionals } = parse(args);
  const [command, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`${rest[0]} is one word too many. Try --help.`);
  const read: OutboxArguments = {
    command: values.help || command === undefined ? 'help' : toCommand(command),
    since: readTime('--since', values.since),
    until: readTime('--until', values.until),
    after: readPosition(values.after),
    types: (values.subject ?? []).map((subject) => readType(subject, facts)),
    tenantId: readTenant(values.tenant),
    dryRun: values['dry-run'],
    json: values.json,
  };
  if (read.command === 'status' && (read.dryRun || REPLAY_ONLY.some((name) => values[name] !== undefined))) {
    throw new UsageError('status takes no options but --json.');
  }
  if (read.command === 'replay' && read.since === undefined && read.after === undefined) {
    throw new UsageError('replay needs --since (a time such as 2026-11-23T10:00:00Z, or 30m, 2h, 7d).');
  }
  if (read.since && read.until && momentOf(read.until) <= momentOf(read.since)) {
    throw new UsageError('--until is not later than --since: there is nothing between them.');
  }
  return read;
}

/** By this machine's clock, which is near enough to compare two. */
function momentOf(time: GivenTime): number {
  return 'at' in time ? time.at.getTime() : Date.now() - time.secondsAgo * 1_000;
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function toCommand(command: string): 'status' | 'replay' {
  if (command === 'status' || command === 'replay') return command;
  throw new UsageError(`There is no command ${command}. Try --help.`);
}

function readTime(option: string, text: string | undefined): GivenTime | undefined {
  if (text === undefined) return undefined;
  const duration = /^(\d{1,9})([smhd])$/.exec(text);
  if (duration) {
    return { secondsAgo: Number(duration[1]) * UNIT_SECONDS[duration[2] as keyof typeof UNIT_SECONDS] };
  }
  // With a zone, or a day alone, which is UTC: no guessing.
  const time = z.union([z.iso.datetime({ offset: true }), z.iso.date()]).safeParse(text);
  if (time.success) return { at: new Date(time.data) };
  throw new UsageError(
    `${option} takes a time with its zone (2026-11-23T10:00:00Z), a day (2026-11-23), or how long ago: 90s, 30m, 2h, 7d.`,
  );
}

function readPosition(text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,15}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new UsageError('--after takes a position, a whole number, as an earlier replay printed it.');
}

function readType(text: string, { subjects, example }: OutboxFacts): string {
  const known = subjects.some((subject) =>
    subject.endsWith('>') ? text.startsWith(subject.slice(0, -1)) : text === subject,
  );
  if (known && /^[a-z_]+(\.[a-z_]+)+$/.test(text)) return text;
  throw new UsageError(`--subject takes the name of an event of this outbox, such as ${example}.`);
}

function readTenant(text: string | undefined): string | undefined {
  if (text === undefined || z.uuid().safeParse(text).success) return text;
  throw new UsageError('--tenant takes the id of a tenant, a UUID.');
}
