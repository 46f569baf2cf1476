import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { CommandError } from './command-error.ts';

/** Where the command was typed: npm runs it in the root of the repository. */
const FOLDER = (process.env['npm_lifecycle_event'] === 'flow' && process.env['INIT_CWD']) || process.cwd();

/** A path of the command line, absolute. */
export function pathOf(argument: string): string {
  return resolve(FOLDER, argument);
}

/** A path as people know it. */
export function shown(path: string): string {
  return relative(FOLDER, path) || '.';
}

/** @throws CommandError naming the file where it cannot be read */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const text = reason === 'ENOENT' ? 'there is no such file' : `cannot be read: ${reason}`;
    throw new CommandError(`${shown(path)}: ${text}`);
  }
}
