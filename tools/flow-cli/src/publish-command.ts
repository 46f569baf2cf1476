import { parseArgs } from 'node:util';
import { CommandError } from './command-error.ts';
import { CONNECTION_HELP, CONNECTION_OPTIONS, connectionOf } from './connection.ts';
import { pathOf } from './file-paths.ts';
import { isFlowId } from './flow-id.ts';
import { Gateway } from './gateway.ts';
import { pushFlow } from './push-flow.ts';

export const PUBLISH_HELP = `npm run flow -- publish <flow.json | id> [options]: makes a draft the next version of its flow.

${CONNECTION_HELP}

A file is pushed first, so that it is what is published. A draft equal to the published version publishes nothing new.`;

export async function runPublish(args: string[]): Promise<number> {
  const { positionals, values } = parseArgs({ args, allowPositionals: true, options: CONNECTION_OPTIONS });
  const [given, ...others] = positionals;
  if (given === undefined || others.length > 0) {
    throw new CommandError('One file or id is published at a time. See npm run flow -- publish --help.');
  }
  const gateway = new Gateway(connectionOf(values));
  const id = isFlowId(given) ? given : (await pushFlow(gateway, pathOf(given))).id;
  const { name, published_version: version, warnings } = await gateway.publish(id);
  for (const { field, message } of warnings) console.log(`warning: definition.${field}: ${message}`);
  console.log(`${name}: version ${version} is published`);
  return 0;
}
