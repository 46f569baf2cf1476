import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CommandError } from './command-error.ts';
import { CONNECTION_HELP, CONNECTION_OPTIONS, connectionOf } from './connection.ts';
import { pathOf, shown } from './file-paths.ts';
import { isFlowId } from './flow-id.ts';
import { knownFile, rememberId } from './flow-lock.ts';
import { Gateway, type Flow } from './gateway.ts';

export const PULL_HELP = `npm run flow -- pull <id | --all> [options]: writes the drafts of a gateway's flows to files.

  --all             every flow but archived ones
  --to <folder>     default: the folder this is typed in
${CONNECTION_HELP}

A flow whose file is known (flows.lock.json, flows.local.json) is written to it; another gets a file named after it.`;

export async function runPull(args: string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...CONNECTION_OPTIONS,
      all: { type: 'boolean', default: false },
      to: { type: 'string', default: '.' },
    },
  });
  if (values.all === positionals.length > 0) {
    throw new CommandError('Either ids or --all is needed. See npm run flow -- pull --help.');
  }
  const wrong = positionals.find((argument) => !isFlowId(argument));
  if (wrong !== undefined) throw new CommandError(`"${wrong}" is no id of a flow.`);
  const gateway = new Gateway(connectionOf(values));
  const folder = pathOf(values.to);
  mkdirSync(folder, { recursive: true });
  if (values.all) {
    for await (const flow of gateway.list()) writeFlow(gateway.url, folder, flow);
  } else {
    for (const id of positionals) writeFlow(gateway.url, folder, await gateway.get(id));
  }
  return 0;
}

function writeFlow(url: string, folder: string, { id, name, settings, definition }: Flow): void {
  const path = join(folder, knownFile(url, folder, id) ?? freeName(folder, name, id));
  writeFileSync(path, `${JSON.stringify({ name, settings, definition }, undefined, 2)}\n`);
  rememberId(url, path, id);
  console.log(`${shown(path)}: ${name}`);
}

/** A file that is there, and belongs to another flow or to none, is left alone. */
function freeName(folder: string, name: string, id: string): string {
  const plain = name.normalize('NFKD').toLowerCase().replace(/\p{M}/gu, '');
  const slug =
    plain
      .replace(/[^a-z0-9]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .slice(0, 64) || 'flow';
  return existsSync(join(folder, `${slug}.json`)) ? `${slug}_${id.slice(-12)}.json` : `${slug}.json`;
}
