import { Metadata, type Client, type ServiceError } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import type { Clients } from '../clients.ts';

const CHECK_TIMEOUT_MS = 1_000;

export type Check = 'ok' | 'unavailable';

/** Whether the gateway can do its work: its database and each service answer that they can. */
export class Readiness {
  private readonly clients: Clients;
  private readonly pingDatabase: () => Promise<void>;

  constructor(clients: Clients, pingDatabase: () => Promise<void>) {
    this.clients = clients;
    this.pingDatabase = pingDatabase;
  }

  async check(): Promise<Record<string, Check>> {
    const { contacts, flows, sessions } = this.clients;
    const [database, contact, flowCatalog, session] = await Promise.all([
      outcome(this.pingDatabase()),
      outcome(isServing(contacts)),
      outcome(isServing(flows)),
      outcome(isServing(sessions)),
    ]);
    return { database, contact, flow_catalog: flowCatalog, session };
  }
}

async function outcome(check: Promise<void>): Promise<Check> {
  return check.then(
    () => 'ok',
    () => 'unavailable',
  );
}

/** grpc.health.v1.Health/Check on a client's channel. */
function isServing(client: Client): Promise<void> {
  const { path, requestSerialize, responseDeserialize } = healthService['Check']!;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize as (bytes: Buffer) => { status: string },
      { service: '' },
      new Metadata(),
      { deadline: Date.now() + CHECK_TIMEOUT_MS },
      (error: ServiceError | null, response?: { status: string }) => {
        if (response?.status === 'SERVING') resolve();
        else reject(error ?? new Error(`The service is ${response?.status}`));
      },
    );
  });
}
