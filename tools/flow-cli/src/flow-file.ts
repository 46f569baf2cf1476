import { issueText } from '@parley/errors';
import {
  checkFlow,
  compileFlow,
  FLOW_CHANNELS,
  type CompiledFlow,
  type FlowCheck,
} from '@parley/flow-engine';
import { parseJson } from '@parley/json-limits';
import { z } from 'zod';
import { CommandError } from './command-error.ts';
import { readText, shown } from './file-paths.ts';
import { problemLines } from './problem-lines.ts';

const TTL = 'must be a whole number between 1 and 1440';

const settings = z.strictObject({
  session_ttl_minutes: z.int(TTL).min(1, TTL).max(1_440, TTL).default(30),
  channel: z.enum(FLOW_CHANNELS, 'must be webhook, whatsapp or null').nullable().default(null),
});

const flowFile = z.strictObject({
  name: z
    .string('must be a text')
    .min(1, 'must not be empty')
    .max(255, 'must not be longer than 255 characters'),
  settings: settings.prefault({}),
  definition: z.record(z.string(), z.unknown(), 'must be an object'),
});

/** A file with a flow: the body of POST /flows. */
export interface FlowFile {
  /** Absolute. */
  path: string;
  name: string;
  settings: z.output<typeof settings>;
  definition: unknown;
  /** What a gateway is sent: numbers stay as they were written. */
  body: unknown;
}

/** @throws CommandError naming the file and what is wrong with it */
export function readFlowFile(path: string): FlowFile {
  const text = readText(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${shown(path)}: is no JSON: ${error instanceof Error ? error.message : ''}`);
  }
  const parsed = flowFile.safeParse(json, { reportInput: true, error: issueText });
  if (!parsed.success) throw new CommandError(problemLines(shown(path), parsed.error.issues).join('\n'));
  return { path, ...parsed.data, body: parseJson(text) };
}

/** What publishing would find. */
export function checkFlowFile({ definition, settings }: FlowFile): FlowCheck {
  const { session_ttl_minutes: sessionTtlMinutes, channel } = settings;
  return checkFlow(definition, { sessionTtlMinutes, channel: channel ?? '' });
}

/** @throws CommandError where publishing would refuse it */
export function compileFlowFile(file: FlowFile): CompiledFlow {
  const { errors, entryNodeId } = checkFlowFile(file);
  const [first] = errors;
  if (first) {
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more; see npm run flow -- validate)` : '';
    throw new CommandError(`${shown(file.path)}: definition.${first.field}: ${first.message}${more}`);
  }
  if (entryNodeId === '') throw new CommandError(`${shown(file.path)}: there is no entry node`);
  return compileFlow(file.definition, {
    id: '00000000-0000-0000-0000-000000000000',
    name: file.name,
    version: 1,
    sessionTtlMinutes: file.settings.session_ttl_minutes,
    channel: file.settings.channel ?? '',
  });
}
