import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { POSTGRES_URL } from './test-servers.ts';

/** A connection to a server that a test can cut, mend, or stop without a word; or to nobody, who takes connections and says nothing. */
export class Wire {
  readonly port: number;
  private readonly server: Server;
  private readonly sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.server = server;
    this.sockets = sockets;
    this.port = (server.address() as AddressInfo).port;
  }

  static async toNobody(): Promise<Wire> {
    return Wire.listen(() => []);
  }

  /** To the tests' Postgres. */
  static async toPostgres(): Promise<Wire> {
    const { hostname, port } = new URL(process.env[POSTGRES_URL]!);
    return Wire.listen((near) => {
      const far = connect({ host: hostname, port: Number(port) });
      near.pipe(far).pipe(near);
      return [far];
    });
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The URL of a database, reached over this wire. */
  leadTo(databaseUrl: string): string {
    const url = new URL(databaseUrl);
    url.host = this.address;
    return url.href;
  }

  /** Nothing goes through, and nobody is told. */
  pause(): void {
    for (const socket of this.sockets) socket.pause();
  }

  resume(): void {
    for (const socket of this.sockets) socket.resume();
  }

  /** Breaks what is connected and refuses what comes. */
  async cut(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async mend(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
  }

  private static async listen(onConnection: (near: Socket) => Socket[]): Promise<Wire> {
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const ends = [near, ...onConnection(near)];
      for (const socket of ends) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          sockets.delete(socket);
          for (const end of ends) end.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Wire(server, sockets);
  }
}
