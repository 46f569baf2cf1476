import { dirname } from 'node:path';
import { CommandError } from './command-error.ts';
import { shown } from './file-paths.ts';
import { readFlowFile } from './flow-file.ts';
import { knownId, lockPath, rememberId } from './flow-lock.ts';
import { GatewayRefusal, type Flow, type Gateway } from './gateway.ts';

/** Makes a file the draft of its flow, or of a new one where the gateway has none yet; says which. */
export async function pushFlow(gateway: Gateway, path: string): Promise<Flow> {
  const { body } = readFlowFile(path);
  const id = knownId(gateway.url, path);
  const updated = id === undefined ? undefined : await updateIfThere(gateway, id, body, path);
  if (updated) {
    console.log(`${shown(path)}: updated ${updated.id}`);
    return updated;
  }
  const created = await gateway.create(body);
  rememberId(gateway.url, path, created.id);
  console.log(`${shown(path)}: created ${created.id}${id === undefined ? '' : `; ${id} is no longer there`}`);
  return created;
}

async function updateIfThere(
  gateway: Gateway,
  id: string,
  body: unknown,
  path: string,
): Promise<Flow | undefined> {
  try {
    return await gateway.update(id, body);
  } catch (error) {
    if (error instanceof GatewayRefusal && error.status === 404) return undefined;
    // Archived, which is for ever.
    if (error instanceof GatewayRefusal && error.status === 409) {
      const lock = shown(lockPath(gateway.url, dirname(path)));
      throw new CommandError(
        `${error.message}. To make a new flow of the file, take its line out of ${lock}.`,
      );
    }
    throw error;
  }
}
