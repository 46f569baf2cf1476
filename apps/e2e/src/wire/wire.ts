import type { Socket } from 'node:net';
import { Wire as PlainWire } from '@parley/testing';
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
 * server, or take away the answer to it. And it can be stranded or slowed, too.
 */
export class Wire extends PlainWire {
  /** Sees every message while set. */
  watch: Watch | undefined;
  /** Added to each packet, in milliseconds. */
  delayMs = 0;
  private readonly framing: () => Framing;
  private paused = false;

  private constructor(url: string, framing: () => Framing) {
    super(url);
    this.framing = framing;
  }

  /** To the Postgres of a postgres:// URL. */
  static override toPostgres(url: string): Promise<Wire> {
    return new Wire(url, postgresFraming).listen();
  }

  /** To the NATS of a nats:// URL. */
  static toNats(url: string): Promise<Wire> {
    return new Wire(url, natsFraming).listen();
  }

  /** Also of connections that come meanwhile. */
  override pause(): void {
    this.paused = true;
    super.pause();
  }

  override resume(): void {
    this.paused = false;
    super.resume();
  }

  /** What is connected now falls silent for good, as after a failover; new connections work. */
  strand(): void {
    super.pause();
  }

  protected override carry(near: Socket, far: Socket): void {
    for (const socket of [near, far]) socket.setNoDelay(true);
    const framing = this.framing();
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
