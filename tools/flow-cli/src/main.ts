import { CommandError } from './command-error.ts';
import { runPublish, PUBLISH_HELP } from './publish-command.ts';
import { runPull, PULL_HELP } from './pull-command.ts';
import { runPush, PUSH_HELP } from './push-command.ts';
import { runTest, TEST_HELP } from './test-command.ts';
import { runValidate, VALIDATE_HELP } from './validate-command.ts';

const HELP = `npm run flow -- <command>: flows as files.

  test <scenario.yaml…>     plays scenarios with the engine, here, and says what differs
  validate <flow.json…>     says what publishing would find
  push <flow.json…>         makes the files the drafts of their flows on a gateway
  pull <id | --all>         writes flows of a gateway to files
  publish <flow.json | id>  makes a draft the next version
  <command> --help          more of each

docs/flows.md describes flows and scenarios.`;

interface Command {
  help: string;
  /** Gives the exit code. */
  run: (args: string[]) => number | Promise<number>;
}

const COMMANDS = new Map<string, Command>([
  ['test', { help: TEST_HELP, run: runTest }],
  ['validate', { help: VALIDATE_HELP, run: runValidate }],
  ['push', { help: PUSH_HELP, run: runPush }],
  ['pull', { help: PULL_HELP, run: runPull }],
  ['publish', { help: PUBLISH_HELP, run: runPublish }],
]);

/** Runs a command of the command line. Gives the exit code. */
export async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || isHelp(name)) {
    console.log(HELP);
    return 0;
  }
  const command = COMMANDS.get(name);
  if (!command) {
    console.error(`There is no command ${name}. See npm run flow -- --help.`);
    return 1;
  }
  if (args.some(isHelp)) {
    console.log(command.help);
    return 0;
  }
  try {
    return await command.run(args);
  } catch (error) {
    // What parseArgs says of an option is meant for people, too.
    const isExpected = error instanceof CommandError || error instanceof TypeError;
    console.error(isExpected ? error.message : error);
    return 1;
  }
}

function isHelp(argument: string): boolean {
  return argument === '--help' || argument === '-h';
}
