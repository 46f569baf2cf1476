import { Agent, request, type IncomingMessage } from 'node:http';
import type { Answer } from './cluster.ts';

/** A call that takes longer has hung: the gateway answers within two seconds (P10), and the machine is shared. */
const HUNG_MS = 15_000;

/**
 * A client behind a balancer such as a Kubernetes service with an ingress before it: connections are kept, requests
 * go to the replicas in turn; a replica that refuses the connection is passed over, and a request is sent once more
 * when a kept connection turns out to be closed already, as both may be without asking (RFC 9112, 9.3.1: nothing
 * was answered on it; our requests are repeatable). Anything else is the caller's to see.
 */
export class BalancedClient {
  /** Targets that get no new connections, as a balancer treats what is about to end; those there are go on. */
  readonly leaving = new Set<string>();
  /** Requests that had to go to another replica, or to be sent again. */
  moved = 0;
  private readonly targets: string[];
  private readonly token: string;
  private readonly agent = new Agent({ keepAlive: true });
  private turn = 0;

  constructor(targets: string[], token: string) {
    this.targets = targets;
    this.token = token;
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      const target = this.next();
      try {
        return await this.sendTo(`${target}/api/v1${path}`, method, body, headers);
      } catch (error) {
        if (!(error instanceof NothingSent) || attempt > this.targets.length) throw error;
        this.moved += 1;
      }
    }
  }

  /** Closes the connections kept for later. */
  disconnect(): void {
    for (const socket of Object.values(this.agent.freeSockets).flat()) socket?.destroy();
  }

  close(): void {
    this.agent.destroy();
  }

  private next(): string {
    const { length } = this.targets;
    const inTurn = Array.from({ length }, (_, index) => this.targets[(this.turn + index) % length]!);
    this.turn += 1;
    return inTurn.find((target) => !this.leaving.has(target) || this.isConnected(target)) ?? inTurn[0]!;
  }

  private isConnected(target: string): boolean {
    const { hostname, port } = new URL(target);
    const name = this.agent.getName({ host: hostname, port: Number(port) });
    return (this.agent.freeSockets[name]?.length ?? 0) > 0;
  }

  private sendTo(
    url: string,
    method: string,
    body: unknown,
    headers: Record<string, string>,
  ): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const call = request(url, {
        method,
        agent: this.agent,
        timeout: HUNG_MS,
        headers: {
          Authorization: `Bearer ${this.token}`,
          ...(text !== undefined && { 'Content-Type': 'application/json' }),
          ...headers,
        },
      });
      call.on('timeout', () => call.destroy(new Error(`No answer within ${HUNG_MS} ms`)));
      call.on('error', (error: NodeJS.ErrnoException) => {
        const closed = call.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        reject(error.code === 'ECONNREFUSED' || closed ? new NothingSent(error.message) : error);
      });
      call.on('response', (response) => {
        read(response).then(resolve, reject);
      });
      call.end(text);
    });
  }
}

/** The request reached nobody. */
class NothingSent extends Error {}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) headers.set(name, String(value));
  return { status: response.statusCode!, headers, text, body: JSON.parse(text) };
}
