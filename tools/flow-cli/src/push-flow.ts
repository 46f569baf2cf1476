import { shown } from './file-paths.ts';
import { readFlowFile } from './flow-file.ts';
import { knownId, rememberId } from './flow-lock.ts';
import { GatewayRefusal, type Flow, type Gateway } from './gateway.ts';

/** Makes a file the draft of its flow, or of a new one where the gateway has none yet; says which. */
export async function pushFlow(gateway: Gateway, path: string): Promise<Flow> {
  const { body } = readFlowFile(path);
  const id = knownId(gateway.url, path);
  const updated = id === undefined ? undefined : await updateIfThere(gateway, id, body);
  if (updated) {
    console.log(`${shown(path)}: updated ${updated.id}`);
    return updated;
  }
  const created = await gateway.create(body);
  rememberId(gateway.url, path, created.id);
  console.log(`${shown(path)}: created ${created.id}${id === undefined ? '' : `; ${id} is no longer there`}`);
  return created;
}

async function updateIfThere(gateway: Gateway, id: string, body: unknown): Promise<Flow | undefined> {
  try {
    return await gateway.update(id, body);
  } catch (error) {
    if (error instanceof GatewayRefusal && error.status === 404) return undefined;
    throw error;
  }
}
