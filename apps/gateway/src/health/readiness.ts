import { Metadata, status, type Client, type ServiceError } from '@grpc/grpc-js';
import { messageOf } from '@parley/errors';
import { isInTime, readLagTrailers, type LagReading } from '@parley/grpc';
import type { Logger } from '@parley/service';
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
  private readonly logger: Logger;
  private asking: Promise<ReadinessReport> | undefined;
  /** Why each check that fails does so, as it was logged. */
  private readonly said = new Map<string, string>();

  constructor(clients: Clients, pingDatabase: () => Promise<void>, logger: Logger) {
    this.clients = clients;
    this.pingDatabase = pingDatabase;
    this.logger = logger;
  }

  /** Those who ask at the same time, as anybody may, share an answer. */
  report(): Promise<ReadinessReport> {
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async ask(): Promise<ReadinessReport> {
    const { contacts, flows, sessions, channels } = this.clients;
    const named = { contact: contacts, flow_catalog: flows, session: sessions, channel: channels };
    const [database, ...services] = await Promise.all([
      this.pingDatabase().then(() => undefined, messageOf),
      ...Object.values(named).map(askHealth),
    ]);
    const report: ReadinessReport = { checks: { database: this.note('database', database) }, lags: {} };
    for (const [index, name] of Object.keys(named).entries()) {
      const { failure, lags } = services[index]!;
      report.checks[name] = this.note(name, failure);
      for (const lag of lags) {
        const part = `${name}_${lag.part}`;
        report.checks[part] = isInTime(lag) ? 'ok' : 'late';
        report.lags[part] = { seconds: lag.seconds ?? null, limit_seconds: lag.limitSeconds };
      }
    }
    return report;
  }

  /** Says why a check fails when it begins to or fails for another reason, and when it does no more. */
  private note(name: string, failure: string | undefined): Check {
    if (failure !== this.said.get(name)) {
      if (failure === undefined) this.said.delete(name);
      else this.said.set(name, failure);
      if (failure === undefined) this.logger.log(`${name} is available again`);
      else this.logger.warn(`${name} is unavailable: ${failure}`);
    }
    return failure === undefined ? 'ok' : 'unavailable';
  }
}

/** grpc.health.v1.Health/Check on a client's channel: why it does not serve, if so. The lags come in its trailers. */
function askHealth(client: Client): Promise<{ failure: string | undefined; lags: LagReading[] }> {
  const { path, requestSerialize, responseDeserialize } = healthService['Check']!;
  return new Promise((resolve) => {
    let failure: string | undefined;
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize as (bytes: Buffer) => { status: string },
      { service: '' },
      new Metadata(),
      { deadline: Date.now() + CHECK_TIMEOUT_MS },
      (error: ServiceError | null, response?: { status: string }) => {
        // What gRPC adds in words holds times and addresses that change.
        if (error) failure = status[error.code];
        else if (response?.status !== 'SERVING') failure = response?.status ?? 'no answer';
      },
    );
    // After the answer.
    call.on('status', ({ metadata }) => resolve({ failure, lags: readLagTrailers(metadata) }));
  });
}
