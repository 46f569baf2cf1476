import { status as GrpcCode } from '@grpc/grpc-js';
import { callRaw, rawClient } from './raw-grpc.ts';

/** Another caller of a service, on a connection of its own, who calls again as soon as it is answered. */
export class Bystander {
  /** How often it was served. */
  served = 0;
  /** The longest it waited, in ms. */
  longest = 0;
  /** What it got instead. */
  readonly failures: string[] = [];
  private running = true;
  private readonly ended: Promise<void>;

  /** The request is one that is answered NOT_FOUND. */
  constructor(address: string, path: string, request: Buffer) {
    this.ended = this.call(address, path, request);
  }

  async stop(): Promise<void> {
    this.running = false;
    await this.ended;
  }

  private async call(address: string, path: string, request: Buffer): Promise<void> {
    const client = rawClient(address);
    while (this.running) {
      const begun = performance.now();
      const { code, text } = await callRaw(client, path, request, { deadline: 30_000 });
      this.longest = Math.max(this.longest, performance.now() - begun);
      if (code === GrpcCode.NOT_FOUND) this.served += 1;
      else this.failures.push(`${GrpcCode[code]} ${text}`);
    }
    client.close();
  }
}
