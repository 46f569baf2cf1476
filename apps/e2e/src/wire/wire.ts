import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Frame, Framing } from './frame.ts';
import { natsFraming } from './nats-frames.ts';
import { postgresFraming } from './postgres-frames.ts';

/** What becomes of a message: passed on (default), the connection broken before it, or held with all that follows. */
export type Verdict = 'pass' | 'cut' | 'hold' | undefined;
/** Sees each message before it is passed on; the connection waits for the answer. */
export type Watch = (frame: Frame) => Verdict | Promise<Verdict>;

/**
 * A wire between a service and Postgres or NATS. It tells what goes by, so that a test can strike at an exact point
 * of a transaction or a publish without a hook in the service: kill a process just before COMMIT reaches the
 * server, or take away the answer to it. And it can be cut, stopped without a word (half open), or slowed.
 */
export class Wire {
  /** Sees every message while set. */
  watch: Watch | undefined;
  /** Added to each packet, in milliseconds. */
  delayMs = 0;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly port: number;
  private paused = false;

  private constructor(server: Server, port: number) {
    this.server = server;
    this.port = port;
  }

  /** To the Postgres of a postgres:// URL. */
  static toPostgres(url: string): Promise<Wire> {
    return Wire.open(url, postgresFraming);
  }

  /** To the NATS of a nats:// URL. */
  static toNats(url: string): Promise<Wire> {
    return Wire.open(url, natsFraming);
  }

  /** The same URL over this wire. */
  urlOf(url: string): string {
    const over = new URL(url);
    over.hostname = '127.0.0.1';
    over.port = String(this.port);
    return over.href;
  }

  /** Nothing goes through, and nobody is told. */
  pause(): void {
    this.paused = true;
    for (const socket of this.sockets) socket.pause();
  }

  resume(): void {
    this.paused = false;
    for (const socket of this.sockets) socket.resume();
  }

  /** What is connected now falls silent for good, as after a failover; new connections work. */
  strand(): void {
    for (const socket of this.sockets) socket.pause();
  }

  /** Breaks what is connected; new connections are refused until `mend`. */
  async cut(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async mend(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
  }

  private static async open(url: string, framing: () => Framing): Promise<Wire> {
    const { hostname, port } = new URL(url);
    const server = createServer((near) => wire.join(near, connect(Number(port), hostname), framing()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const wire = new Wire(server, (server.address() as AddressInfo).port);
    return wire;
  }

  private join(near: Socket, far: Socket, framing: Framing): void {
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    this.pass(near, far, framing.up);
    this.pass(far, near, framing.down);
    if (this.paused) near.pause();
  }

  /** One direction of a connection. */
  private pass(from: Socket, to: Socket, next: (buffer: Buffer) => Frame | undefined): void {
    let rest: Buffer = Buffer.alloc(0);
    let queue = Promise.resolve();
    let held = false;
    const forward = async (chunk: Buffer): Promise<void> => {
      if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
      rest = Buffer.concat([rest, chunk]);
      for (let frame = next(rest); frame && !held; frame = next(rest)) {
        rest = rest.subarray(frame.bytes.length);
        const verdict = frame.kind === 'other' ? undefined : await this.watch?.(frame);
        if (verdict === 'cut') from.destroy();
        held = verdict === 'hold';
        if (from.destroyed) return;
        if (!held) to.write(frame.bytes);
      }
    };
    from.on('data', (chunk: Buffer) => {
      if (!held) queue = queue.then(() => forward(chunk));
    });
  }
}
