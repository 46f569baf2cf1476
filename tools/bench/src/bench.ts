// npm run bench: see options.ts.
import { constants } from 'node:os';
import { HELP, readOptions } from './options.ts';
import { runBench } from './run.ts';

for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const abort = new AbortController();
let interruptedBy: NodeJS.Signals | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interruptedBy ??= signal;
    abort.abort(new Error(`Stopped by ${signal}`));
  });
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) console.log(HELP);
  else process.exitCode = (await runBench(options, abort.signal)) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = interruptedBy === undefined ? 1 : 128 + constants.signals[interruptedBy];
}
process.exit();
