import { Metadata, Server, ServerCredentials, type sendUnaryData } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';

/** Stands in for any service as far as its health goes: SERVING, with the lags the test says. */
export class FakeHealth {
  readonly address: string;
  /** As in the trailers of a health check: "events 75.2 60". */
  lags = '';
  status: 'SERVING' | 'NOT_SERVING' = 'SERVING';
  private readonly server: Server;

  private constructor(server: Server, port: number) {
    this.server = server;
    this.address = `127.0.0.1:${port}`;
  }

  static async start(): Promise<FakeHealth> {
    const server = new Server();
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    const fake = new FakeHealth(server, port);
    const check = (_call: unknown, reply: sendUnaryData<{ status: string }>): void => {
      const trailers = new Metadata();
      if (fake.lags !== '') trailers.set('parley-lag', fake.lags);
      reply(null, { status: fake.status }, trailers);
    };
    server.addService(healthService, { check });
    return fake;
  }

  stop(): void {
    this.server.forceShutdown();
  }
}
