import { parseArgs } from 'node:util';
import { CommandError } from './command-error.ts';
import { pathOf, shown } from './file-paths.ts';
import { checkFlowFile, readFlowFile } from './flow-file.ts';

export const VALIDATE_HELP = `npm run flow -- validate <flow.json…>: says what publishing would find, without a stack.

A file holds a flow as POST /flows takes it: { "name", "settings", "definition" }. The exit code is 1 where a file
could not be published; warnings are shown and accepted.`;

export function runValidate(args: string[]): number {
  const { positionals } = parseArgs({ args, allowPositionals: true, options: {} });
  if (positionals.length === 0) throw new CommandError('Which files? See npm run flow -- validate --help.');
  const failed = positionals.filter((argument) => !isValid(pathOf(argument)));
  return failed.length === 0 ? 0 : 1;
}

function isValid(path: string): boolean {
  const name = shown(path);
  try {
    const { errors, warnings } = checkFlowFile(readFlowFile(path));
    for (const { field, message, code } of errors) {
      console.error(`${name}: error: definition.${field}: ${message} (${code})`);
    }
    for (const { field, message, code } of warnings) {
      console.log(`${name}: warning: definition.${field}: ${message} (${code})`);
    }
    if (errors.length > 0) return false;
    console.log(`${name}: can be published`);
    return true;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(error.message);
    return false;
  }
}
