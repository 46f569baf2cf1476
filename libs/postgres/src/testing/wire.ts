import { createServer, connect, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A wire to a Postgres that a test can cut, or stop without a word. */
export class Wire {
  /** The database's URL, over this wire. */
  readonly url: string;
  private readonly server: Server;
  private readonly sockets: Set<Socket>;
  private readonly port: number;

  private constructor(url: string, server: Server, sockets: Set<Socket>, port: number) {
    this.url = url;
    this.server = server;
    this.sockets = sockets;
    this.port = port;
  }

  static async to(database: string): Promise<Wire> {
    const url = new URL(database);
    const sockets = new Set<Socket>();
    const target = { host: url.hostname, port: Number(url.port) };
    const server = createServer((near) => {
      const far = connect(target);
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    url.hostname = '127.0.0.1';
    url.port = String(port);
    return new Wire(url.href, server, sockets, port);
  }

  /** Nothing goes through, and nobody is told. */
  pause(): void {
    for (const socket of this.sockets) socket.pause();
  }

  resume(): void {
    for (const socket of this.sockets) socket.resume();
  }

  /** Breaks what is connected and refuses new connections. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async mend(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
  }
}
