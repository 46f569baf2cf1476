import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { POSTGRES_URL } from './test-servers.ts';

/** A connection to a server that a test can cut, mend, or stop without a word; or to nobody, who takes connections and says nothing. */
export class Wire {
  protected readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private port = 0;

  /** target: a URL with a host and a port; default nobody. */
  protected constructor(target?: string) {
    this.server = createServer((near) => this.join(near, target === undefined ? [] : [farEnd(target)]));
  }

  static toNobody(): Promise<Wire> {
    return new Wire().listen();
  }

  /** To the Postgres of a postgres:// URL; default the tests'. */
  static toPostgres(url = process.env[POSTGRES_URL]!): Promise<Wire> {
    return new Wire(url).listen();
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The same URL over this wire. */
  urlOf(url: string): string {
    const over = new URL(url);
    over.host = this.address;
    return over.href;
  }

  /** Nothing goes through, and nobody is told. */
  pause(): void {
    for (const socket of this.sockets) socket.pause();
  }

  resume(): void {
    for (const socket of this.sockets) socket.resume();
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

  protected async listen(): Promise<this> {
    await this.mend();
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  /** Passes on what either end sends. */
  protected carry(near: Socket, far: Socket): void {
    near.pipe(far).pipe(near);
  }

  private join(near: Socket, farEnds: Socket[]): void {
    for (const socket of [near, ...farEnds]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        for (const end of [near, ...farEnds]) end.destroy();
      });
    }
    for (const far of farEnds) this.carry(near, far);
  }
}

function farEnd(target: string): Socket {
  const { hostname, port } = new URL(target);
  return connect({ host: hostname, port: Number(port) });
}
