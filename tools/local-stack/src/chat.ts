// npm run chat: a conversation in the terminal with the running stack. It triggers a flow, shows what the flow says, and
// sends what is typed, as a channel would.
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { Conversation } from './conversation.ts';
import { GatewayClient } from './gateway-client.ts';
import { messageOf } from './message-of.ts';
import { connectNats } from './nats-connection.ts';
import { parleyHome } from './settings.ts';
import { readStackFile, type StackDescription } from './stack-file.ts';

const HELP = `npm run chat [-- options]: talk to a flow of the stack that npm start runs.

  --phone <number>    who you are (default +14155550123); a contact is made of a new number
  --flow <key|id>     the flow: abandoned_cart (default), main_menu, support_triage, or the id of one of yours
  --context <json>    what the flow reads as {{context.…}} (default an example cart)
  --help              this text

Answer a question with the number of a choice, its title, or text. A session that already runs is taken up where it
waits. The chat ends with the session, and prints its timeline; Ctrl-C leaves it running. Answers may come from a pipe; when
there are no more, the chat ends at the next question:
printf 'yes\\n' | npm run chat`;

const EXAMPLE_CONTEXT = '{"cart_id":"987654321","cart_total":"129.00"}';

try {
  await main();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      phone: { type: 'string', default: '+14155550123' },
      flow: { type: 'string', default: 'abandoned_cart' },
      context: { type: 'string', default: EXAMPLE_CONTEXT },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const stack = readStackFile(parleyHome(process.env));
  if (!stack) throw new Error('No stack runs here. Type "npm start" first.');
  await chat(stack, {
    phone: values.phone,
    flowId: flowIdOf(values.flow, stack),
    context: readContext(values.context),
  });
}

async function chat(
  stack: StackDescription,
  trigger: { phone: string; flowId: string; context: unknown },
): Promise<void> {
  const stop = new AbortController();
  const connection = await connectNats(stack.nats, { name: 'parley-chat' });
  process.once('SIGINT', () => stop.abort());
  try {
    const client = new GatewayClient(stack.gateway, stack.token, stop.signal);
    const conversation = await Conversation.begin(client, connection, trigger, (line) => console.log(line));
    // Not before: what a pipe brings while nobody listens is lost.
    const lines = createInterface({ input: process.stdin });
    lines.once('SIGINT', () => stop.abort());
    const silent = answerAll(conversation, lines).then(() => conversation.asked);
    const left = await Promise.race([
      conversation.ended.then(() => ''),
      silent.then(() => '── no more answers; it waits on'),
      aborted(stop.signal).then(() => '── it runs on'),
    ]);
    lines.close();
    if (left === '') await conversation.showTimeline();
    else console.log(left);
  } finally {
    await connection.close();
    // Whatever it is, a terminal, a pipe or a file: it is not waited for.
    process.stdin.destroy();
  }
}

/** Gives each line as an answer, once something is asked. */
async function answerAll(conversation: Conversation, lines: AsyncIterable<string>): Promise<void> {
  try {
    for await (const line of lines) {
      if (line.trim() !== '') await conversation.answer(line.trim());
    }
  } catch (error) {
    console.error(messageOf(error));
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}

function flowIdOf(flow: string, { flows }: StackDescription): string {
  const id = flows[flow] ?? flow;
  if (/^[\da-f-]{36}$/i.test(id)) return id;
  throw new Error(`--flow takes ${Object.keys(flows).join(', ')}, or the id of a flow.`);
}

function readContext(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('--context takes a JSON object.');
  }
}
