// npm run token -- <arguments>: the gateway's token command, on the gateway database of the local stack.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { asksForHelp } from './asks-for-help.ts';
import { appProgram } from './repository.ts';
import { parleyHome } from './settings.ts';
import { readStackFile } from './stack-file.ts';

const databaseUrl =
  process.env['DATABASE_URL_GATEWAY'] || readStackFile(parleyHome(process.env))?.databases.gateway;
const program = appProgram('gateway', 'token');
const args = process.argv.slice(2);
const helps = args.length === 0 || asksForHelp(args);

if (databaseUrl === undefined && !helps) {
  console.error(
    'No stack runs here. Type "npm start" first, or set DATABASE_URL_GATEWAY to the gateway\'s database.',
  );
  process.exitCode = 1;
} else if (!existsSync(program)) {
  console.error('The gateway is not built. Type "npm run build" first.');
  process.exitCode = 1;
} else {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: 'inherit',
    env: { ...process.env, DATABASE_URL: databaseUrl ?? '' },
  });
  child.once('exit', (code) => (process.exitCode = code ?? 1));
}
