// npm run outbox -- <arguments>: the outbox command of the session service, on the database and the NATS of the local
// stack. --service <app> before the other arguments takes another service that has an outbox.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { asksForHelp } from './asks-for-help.ts';
import { appProgram } from './repository.ts';
import { SERVICE_NAMES, type ServiceName } from './service-names.ts';
import { parleyHome } from './settings.ts';
import { readStackFile } from './stack-file.ts';

const [app, ...args] = readService(process.argv.slice(2));
const service = app.replaceAll('-', '_');
const ownUrl = `DATABASE_URL_${service.toUpperCase()}`;
const stack = readStackFile(parleyHome(process.env));
const databaseUrl = process.env[ownUrl] || (isService(service) ? stack?.databases[service] : undefined);
const natsUrl = process.env['NATS_URL'] || stack?.nats;
const program = appProgram(app, 'outbox');
const helps = args.length === 0 || asksForHelp(args);

if (!isService(service)) refuse(`There is no service ${app}.`);
else if (!existsSync(program)) refuse(`${app} has no outbox, or is not built. Type "npm run build" first.`);
else if (databaseUrl === undefined && !helps) {
  refuse(`No stack runs here. Type "npm start" first, or set ${ownUrl} (and NATS_URL for a replay).`);
} else {
  if (helps) {
    console.log(`npm run outbox -- [--service session|flow-catalog|channel] <command>: of the stack that npm start runs here, or of
DATABASE_URL_<SERVICE> and NATS_URL. Default: session.
`);
  }
  const child = spawn(process.execPath, [program, ...args], {
    stdio: 'inherit',
    env: { ...process.env, DATABASE_URL: databaseUrl ?? '', NATS_URL: natsUrl ?? '' },
  });
  // It stops in its own time, and says how to go on.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.once('exit', (code) => (process.exitCode = code ?? 1));
}

function readService(given: string[]): [string, ...string[]] {
  const [first, app, ...rest] = given;
  return first === '--service' && app !== undefined ? [app, ...rest] : ['session', ...given];
}

function isService(name: string): name is ServiceName {
  return (SERVICE_NAMES as readonly string[]).includes(name);
}

function refuse(line: string): void {
  console.error(line);
  process.exitCode = 1;
}
