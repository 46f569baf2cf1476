import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writePrivateJson } from './private-file.ts';
import type { ServiceName } from './service-names.ts';

/** $PARLEY_HOME/stack.json: where a running stack is. It exists while the stack is ready. */
export interface StackDescription {
  /** URL of the gateway. */
  gateway: string;
  /** host:port; of session, the first replica. */
  grpc: { contact: string; flow_catalog: string; session: string; channel: string };
  nats: string;
  /** postgres:// URLs, passwords included. */
  databases: Record<ServiceName, string>;
  tenant_id: string;
  token: string;
  flows: Record<string, string>;
  pids: Record<ServiceName, number>;
  /** Every replica of session, the first included. */
  replicas: { session: { address: string; pid: number }[] };
}

/** The description of the stack that runs in this home; undefined when none is ready. */
export function readStackFile(home: string): StackDescription | undefined {
  return readJson(fileIn(home)) as StackDescription | undefined;
}

/** Writes it, readable only by its owner. */
export function writeStackFile(home: string, description: StackDescription): void {
  writePrivateJson(fileIn(home), description);
}

/** Removes it; nothing happens when there is none. */
export function removeStackFile(home: string): void {
  rmSync(fileIn(home), { force: true });
}

function fileIn(home: string): string {
  return join(home, 'stack.json');
}
