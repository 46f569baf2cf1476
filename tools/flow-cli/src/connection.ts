import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { CommandError } from './command-error.ts';

const REPOSITORY_ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Options of every command that talks to a gateway. */
export const CONNECTION_OPTIONS = { url: { type: 'string' }, token: { type: 'string' } } as const;

export const CONNECTION_HELP = `  --url <url>       of the gateway; default PARLEY_URL, else the stack that npm start runs
  --token <token>   default PARLEY_TOKEN (which others on this machine cannot see), else that stack's`;

/** Which gateway, and as whom. */
export interface Connection {
  /** Without a slash at its end. */
  url: string;
  token: string;
}

/** Of $PARLEY_HOME/stack.json, what is needed here. */
const stackFile = z.object({ gateway: z.string(), token: z.string() });

/** @throws CommandError saying what is missing */
export function connectionOf(options: { url?: string | undefined; token?: string | undefined }): Connection {
  const stack = runningStack();
  const given = options.url || process.env['PARLEY_URL'];
  const url = (given || stack?.gateway)?.replace(/\/+$/, '');
  if (url === undefined) {
    throw new CommandError('No stack runs here. Type "npm start" first, or give --url and PARLEY_TOKEN.');
  }
  if (!URL.canParse(url) || !/^https?:\/\//.test(url))
    throw new CommandError(`"${url}" is no URL of a gateway.`);
  // The stack's token is for nobody else.
  const token =
    options.token || process.env['PARLEY_TOKEN'] || (url === stack?.gateway ? stack.token : undefined);
  if (token === undefined) throw new CommandError(`A token for ${url} is needed: PARLEY_TOKEN or --token.`);
  return { url, token };
}

function runningStack(): z.output<typeof stackFile> | undefined {
  const home = resolve(REPOSITORY_ROOT, process.env['PARLEY_HOME'] || '.parley');
  let text: string;
  try {
    text = readFileSync(join(home, 'stack.json'), 'utf8');
  } catch {
    return undefined;
  }
  return stackFile.safeParse(JSON.parse(text)).data;
}
