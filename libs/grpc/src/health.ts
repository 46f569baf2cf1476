import type { Server } from '@grpc/grpc-js';
import { BackgroundLoop, type Logger } from '@parley/service';
import { HealthImplementation } from 'grpc-health-check';

const CHECK_INTERVAL_MS = 1_000;

/**
 * The gRPC health service (grpc.health.v1): SERVING while check passes, looked at once a second, NOT_SERVING while
 * it fails and from drain() on.
 */
export class Health {
  private readonly implementation = new HealthImplementation();
  private readonly service: string;
  private readonly loop: BackgroundLoop;

  constructor(service: string, check: () => Promise<void>, logger: Logger) {
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
    this.report('NOT_SERVING');
  }

  addTo(server: Server): void {
    this.implementation.addToServer(server);
  }

  start(): void {
    this.loop.start();
  }

  /** Tells balancers to send nothing more. */
  async drain(): Promise<void> {
    await this.loop.stop();
    this.report('NOT_SERVING');
  }

  private report(status: 'SERVING' | 'NOT_SERVING'): void {
    this.implementation.setStatus('', status);
    this.implementation.setStatus(this.service, status);
  }
}
