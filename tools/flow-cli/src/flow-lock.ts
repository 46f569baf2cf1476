import { existsSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { CommandError } from './command-error.ts';
import { readText, shown } from './file-paths.ts';

/** By URL of the gateway, by name of the file in the same folder: the flow's id there. */
const lockFile = z.record(z.string(), z.record(z.string(), z.string()));
type Lock = z.output<typeof lockFile>;

/** The flow that a file was pushed to or pulled from; undefined where this gateway has not seen it. */
export function knownId(url: string, path: string): string | undefined {
  return readLock(lockPath(url, dirname(path)))[url]?.[basename(path)];
}

/** The name of the file in a folder that belongs to a flow. */
export function knownFile(url: string, folder: string, id: string): string | undefined {
  const files = Object.entries(readLock(lockPath(url, folder))[url] ?? {});
  return files.find(([, known]) => known === id)?.[0];
}

/** Remembers a file's flow beside the file, in an order that makes small differences in git. */
export function rememberId(url: string, path: string, id: string): void {
  const file = lockPath(url, dirname(path));
  const lock = readLock(file);
  const changed = { ...lock, [url]: { ...lock[url], [basename(path)]: id } };
  const sorted = sortedByKey(
    Object.fromEntries(Object.entries(changed).map(([gateway, files]) => [gateway, sortedByKey(files)])),
  );
  writeFileSync(file, `${JSON.stringify(sorted, undefined, 2)}\n`);
}

/**
 * Where the ids of a folder's flows stand. Flows of a gateway on this machine concern nobody else: theirs stay out of the file that
 * is shared.
 */
export function lockPath(url: string, folder: string): string {
  const isLocal = ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(url).hostname);
  return join(folder, isLocal ? 'flows.local.json' : 'flows.lock.json');
}

function readLock(file: string): Lock {
  if (!existsSync(file)) return {};
  let json: unknown;
  try {
    json = JSON.parse(readText(file));
  } catch (error) {
    if (error instanceof CommandError) throw error;
  }
  const parsed = lockFile.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new CommandError(`${shown(file)}: is not as this program wrote it. Repair or remove it.`);
}

function sortedByKey<Value>(object: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(Object.entries(object).sort(([one], [other]) => (one < other ? -1 : 1)));
}
