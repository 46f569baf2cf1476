// npm run events: an example of a consumer. Shows each event once, in the order of the stream, and goes on after a
// restart where it stopped. Delivery is at least once; what came before is recognised by the event's id.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { consumeEvents } from './event-consumer.ts';
import { messageOf } from './message-of.ts';
import { connectNats } from './nats-connection.ts';
import { SeenIds } from './seen-ids.ts';
import { formatSessionEvent, type SessionEvent } from './session-event.ts';
import { openSessionEvents } from './session-stream.ts';
import { parleyHome } from './settings.ts';
import { readStackFile } from './stack-file.ts';

const HELP = `npm run events [-- options]: shows the events of sessions as they come, until Ctrl-C.

  --durable <name>    the consumer's name; where it stopped is kept under it (default parley-events-example)
  --from start|new    where a consumer of a new name begins: the oldest event kept, or those to come (default start)
  --json              the events as they are, one a line
  --help              this text

It connects to NATS_URL, or else to the NATS of the stack that npm start runs.`;

interface Options {
  durable: string;
  from: 'start' | 'new';
  json: boolean;
}

/** Notes about the consumer itself: kept apart from the events, so that --json can be piped on. */
const note = (line: string): void => console.error(line);

process.stdout.on('error', () => process.exit(0));
try {
  const options = readOptions();
  if (options === undefined) console.log(HELP);
  else await showEvents(options);
} catch (error) {
  note(messageOf(error));
  process.exitCode = 1;
}

/** Undefined: the help is asked for. */
function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      durable: { type: 'string', default: 'parley-events-example' },
      from: { type: 'string', default: 'start' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const { durable, from, json } = values;
  if (!/^[\w-]{1,64}$/.test(durable))
    throw new Error('--durable takes up to 64 letters, digits, "-" and "_".');
  if (from !== 'start' && from !== 'new') throw new Error('--from takes start or new.');
  return { durable, from, json };
}

async function showEvents(options: Options): Promise<void> {
  const home = parleyHome(process.env);
  const url = process.env['NATS_URL'] || readStackFile(home)?.nats;
  if (url === undefined) throw new Error('No stack runs here. Type "npm start" first, or set NATS_URL.');

  // A consumer waits for a server that is away, for as long as it takes.
  const connection = await connectNats(url, { maxReconnectAttempts: -1, name: options.durable });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // What was shown is acknowledged; anything else comes again next time.
    process.on(signal, () => process.exit(0));
  }
  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') note('NATS is away; waiting for it');
      if (type === 'reconnect') note('NATS is back');
    }
  })();

  const events = await openSessionEvents(connection, { name: options.durable, from: options.from }, note);
  note(`Showing the events of ${new URL(url).host} as ${options.durable}; Ctrl-C ends it`);
  const seen = new SeenIds(join(home, `events-${options.durable}.seen`));
  const show = (event: SessionEvent, text: string): void =>
    console.log(options.json ? text : formatSessionEvent(event));
  await consumeEvents(await events.consume({ max_messages: 100 }), { seen, show, note });
}
