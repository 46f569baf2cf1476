import type { sendUnaryData, Server, ServerUnaryCall } from '@grpc/grpc-js';
import { BackgroundLoop, Metrics, type Lag, type Logger } from '@parley/service';
import { HealthImplementation } from 'grpc-health-check';
import { isInTime, Lags, lagTrailers } from './lags.ts';

const CHECK_INTERVAL_MS = 1_000;

type Check = (call: ServerUnaryCall<unknown, unknown>, reply: sendUnaryData<unknown>) => void;

export interface HealthOptions {
  /** The service's full name. */
  service: string;
  /** Fails while calls cannot be served. */
  check: () => Promise<void>;
  /** Default none. */
  lags?: Lag[];
  metrics?: Metrics;
  logger: Logger;
}

/**
 * The gRPC health service (grpc.health.v1). The service itself, and "": SERVING while check passes, looked at once a
 * second, NOT_SERVING while it fails and from drain() on. Balancers go by this. Each lag is a name of its own, such
 * as "events": NOT_SERVING past its limit, which is no reason to send calls elsewhere: the other replicas share the
 * database that it is read from (docs/adr/0010). How late each is stands in the trailers of every check.
 */
export class Health {
  private readonly implementation = new HealthImplementation();
  private readonly service: string;
  private readonly loop: BackgroundLoop;
  private readonly lags: Lags;

  constructor({ service, check, lags = [], metrics = new Metrics(), logger }: HealthOptions) {
    this.service = service;
    this.loop = new BackgroundLoop({
      name: 'Readiness check',
      pauseMs: CHECK_INTERVAL_MS,
      logger,
      work: async () => {
        await check().catch((error: unknown) => {
          this.report('NOT_SERVING');
          throw error;
        });
        this.report('SERVING');
        return false;
      },
    });
    this.lags = new Lags(lags, {
      metrics,
      logger,
      onRead: (readings) => {
        for (const reading of readings) {
          this.implementation.setStatus(reading.part, isInTime(reading) ? 'SERVING' : 'NOT_SERVING');
        }
      },
    });
    this.report('NOT_SERVING');
    for (const { part } of lags) this.implementation.setStatus(part, 'NOT_SERVING');
  }

  addTo(server: Server): void {
    this.implementation.addToServer({
      addService: (definition, handlers) => {
        const check = handlers['check'] as Check;
        const withLags: Check = (call, reply) =>
          check(call, (error, answer) => reply(error, answer, lagTrailers(this.lags.readings)));
        server.addService(definition, { ...handlers, check: withLags });
      },
    });
  }

  start(): void {
    this.loop.start();
    this.lags.start();
  }

  /** Tells balancers to send nothing more. */
  async drain(): Promise<void> {
    await Promise.all([this.loop.stop(), this.lags.stop()]);
    this.report('NOT_SERVING');
  }

  private report(status: 'SERVING' | 'NOT_SERVING'): void {
    this.implementation.setStatus('', status);
    this.implementation.setStatus(this.service, status);
  }
}
