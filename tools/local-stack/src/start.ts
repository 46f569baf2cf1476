// npm start: the whole stack, until Ctrl-C.
import { constants } from 'node:os';
import { asksForHelp } from './asks-for-help.ts';
import { messageOf } from './message-of.ts';
import { SettingsError, readSettings, settingsHelp } from './settings.ts';
import { LocalStack } from './stack.ts';
import { summary } from './summary.ts';

/** One Ctrl-C comes several times: the terminal, npm and bootstrap.mjs all pass it on. */
const SAME_SIGNAL_MS = 1_000;

class StopRequest extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(signal);
    this.signal = signal;
  }
}

// Nobody may be reading any more: the terminal was closed, or the pipe's reader has ended.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

process.exitCode = await main();
// A connection kept open for later must not keep the process.
process.exit();

async function main(): Promise<number> {
  if (asksForHelp(process.argv)) {
    console.log(settingsHelp());
    return 0;
  }
  if (process.argv.length > 2) {
    console.error(
      `${process.argv[2]}: npm start takes no arguments; its settings are in the environment. Try --help.`,
    );
    return 1;
  }
  const began = Date.now();
  const log = (line: string): void => {
    console.log(`${((Date.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${line}`);
  };
  let stack: LocalStack;
  try {
    stack = new LocalStack({ settings: readSettings(process.env), log });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    console.error(error.message);
    return 1;
  }
  const { halted } = stack.supervisor;
  stopOnSignals(stack);

  let ready = false;
  try {
    const { describe, services } = await stack.start();
    ready = true;
    log('Ready');
    console.log(summary(describe(), services, stack.supervisor, process.env['PARLEY_HOME']));
    if (!halted.aborted) await new Promise((resolve) => halted.addEventListener('abort', resolve));
  } catch (error) {
    stack.supervisor.halt(error);
  }
  const reason: unknown = halted.reason;
  if (reason instanceof StopRequest) console.log(`\n${reason.signal}`);
  else console.error(`\n${messageOf(reason)}`);
  const started = stack.supervisor.list().length > 0;
  if (started) log('Stopping everything');
  await stack.stop();
  if (started) log('Stopped');
  if (!(reason instanceof StopRequest)) return 1;
  return ready ? 0 : 128 + constants.signals[reason.signal];
}

function stopOnSignals(stack: LocalStack): void {
  let first: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      first ??= Date.now();
      if (Date.now() - first < SAME_SIGNAL_MS) stack.supervisor.halt(new StopRequest(signal));
      else void stack.supervisor.kill();
    });
  }
}
