import { Metadata, type Client, type ServiceError } from '@grpc/grpc-js';
import { isInTime, readLagTrailers, type LagReading } from '@parley/grpc';
import { service as healthService } from 'grpc-health-check';
import type { Clients } from '../clients.ts';

const CHECK_TIMEOUT_MS = 1_000;

/** late: it works, but a part of its work is further behind than its limit allows. */
export type Check = 'ok' | 'unavailable' | 'late';

/** How late a part of a service's work is; null while that cannot be read. */
export interface Lateness {
  seconds: number | null;
  limit_seconds: number;
}

export interface ReadinessReport {
  checks: Record<string, Check>;
  /** By the names of their checks. */
  lags: Record<string, Lateness>;
}

/** Whether the gateway can do its work: its database and each service answer that they can, and none is late. */
export class Readiness {
  private readonly clients: Clients;
  private readonly pingDatabase: () => Promise<void>;

  constructor(clients: Clients, pingDatabase: () => Promise<void>) {
    this.clients = clients;
    this.pingDatabase = pingDatabase;
  }

  async report(): Promise<ReadinessReport> {
    const { contacts, flows, sessions, channels } = this.clients;
    const named = { contact: contacts, flow_catalog: flows, session: sessions, channel: channels };
    const [database, ...services] = await Promise.all([
      outcome(this.pingDatabase()),
      ...Object.values(named).map(askHealth),
    ]);
    const report: ReadinessReport = { checks: { database }, lags: {} };
    for (const [index, name] of Object.keys(named).entries()) {
      const { check, lags } = services[index]!;
      report.checks[name] = check;
      for (const lag of lags) {
        const part = `${name}_${lag.part}`;
        report.checks[part] = isInTime(lag) ? 'ok' : 'late';
        report.lags[part] = { seconds: lag.seconds ?? null, limit_seconds: lag.limitSeconds };
      }
    }
    return report;
  }
}

async function outcome(check: Promise<void>): Promise<Check> {
  return check.then(
    () => 'ok',
    () => 'unavailable',
  );
}

/** grpc.health.v1.Health/Check on a client's channel. The lags come in its trailers. */
function askHealth(client: Client): Promise<{ check: Check; lags: LagReading[] }> {
  const { path, requestSerialize, responseDeserialize } = healthService['Check']!;
  return new Promise((resolve) => {
    let check: Check = 'unavailable';
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize as (bytes: Buffer) => { status: string },
      { service: '' },
      new Metadata(),
      { deadline: Date.now() + CHECK_TIMEOUT_MS },
      (_error: ServiceError | null, response?: { status: string }) => {
        if (response?.status === 'SERVING') check = 'ok';
      },
    );
    // After the answer.
    call.on('status', ({ metadata }) => resolve({ check, lags: readLagTrailers(metadata) }));
  });
}
