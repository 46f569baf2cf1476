import { parseArgs } from 'node:util';
import { CommandError } from './command-error.ts';
import { CONNECTION_HELP, CONNECTION_OPTIONS, connectionOf } from './connection.ts';
import { pathOf, shown } from './file-paths.ts';
import { Gateway } from './gateway.ts';
import { pushFlow } from './push-flow.ts';

export const PUSH_HELP = `npm run flow -- push <flow.json…> [options]: makes the files the drafts of their flows on a gateway.

${CONNECTION_HELP}

A file that is pushed for the first time makes a new flow. Which flow a file belongs to is kept beside it, in
flows.lock.json (for git), or in flows.local.json for a gateway on this machine (not for git). What is published stays.`;

export async function runPush(args: string[]): Promise<number> {
  const { positionals, values } = parseArgs({ args, allowPositionals: true, options: CONNECTION_OPTIONS });
  if (positionals.length === 0) throw new CommandError('Which files? See npm run flow -- push --help.');
  const gateway = new Gateway(connectionOf(values));
  let failed = 0;
  for (const path of positionals.map(pathOf)) {
    try {
      await pushFlow(gateway, path);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      failed += 1;
      const name = shown(path);
      console.error(error.message.startsWith(name) ? error.message : `${name}: ${error.message}`);
    }
  }
  return failed === 0 ? 0 : 1;
}
