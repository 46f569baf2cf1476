// The load generator: a process of its own, started by run-load.ts. Takes one Load as a message, answers a LoadResult.
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../statistics.ts';
import { template } from '../numbered.ts';
import { HttpConnection } from './http-connection.ts';
import type { Load, LoadResult, Meaning, RequestTemplate } from './load.ts';

/** How long answers are waited for once the time is up. */
const LAST_ANSWERS_MS = 10_000;

process.once('message', (load: Load) => {
  void new Generator(load).run().then((result) => process.send?.(result, () => process.disconnect?.()));
});
// Ctrl-C is for the bench, which ends us.
process.on('SIGINT', () => undefined);
process.once('disconnect', () => process.exit());

/** A connection, and when the request it carries was due; -1: it carries none. */
interface Lane {
  connection: HttpConnection;
  due: number;
}

class Generator {
  readonly #load: Load;
  readonly #write: (n: number) => string;
  readonly #lanes: Lane[] = [];
  readonly #idle: Lane[] = [];
  readonly #latencies: number[] = [];
  readonly #ids: string[] = [];
  readonly #failures: Record<string, number> = {};
  #sent = 0;
  /** Of an open loop. */
  #total = 0;
  #known = 0;
  #began = 0;
  #lastAnswer = 0;
  #open = true;

  constructor(load: Load) {
    this.#load = load;
    this.#write = template(requestText(load.request));
  }

  async run(): Promise<LoadResult> {
    const { connections, seconds, rate } = this.#load;
    const cpu = process.cpuUsage();
    this.#began = performance.now();
    for (let lane = 0; lane < connections; lane++) this.#connect();
    if (rate === undefined) {
      for (const lane of this.#idle.splice(0)) this.#send(lane, performance.now());
      await sleep(seconds * 1_000);
    } else {
      await this.#sendAtRate(rate, seconds);
    }
    this.#open = false;
    const deadline = performance.now() + LAST_ANSWERS_MS;
    while (this.#lanes.some((lane) => lane.due >= 0) && performance.now() < deadline) await sleep(5);
    for (const lane of this.#lanes) {
      if (lane.due >= 0) this.#fail('no answer');
      lane.connection.close();
    }
    const { user, system } = process.cpuUsage(cpu);
    this.#latencies.sort((a, b) => a - b);
    return {
      sent: this.#sent,
      started: this.#ids.length,
      known: this.#known,
      failures: this.#failures,
      seconds: (this.#lastAnswer - this.#began) / 1_000,
      p50: percentile(this.#latencies, 0.5),
      p99: percentile(this.#latencies, 0.99),
      ids: this.#ids,
      cpuMs: (user + system) / 1_000,
    };
  }

  async #sendAtRate(rate: number, seconds: number): Promise<void> {
    this.#total = Math.round(rate * seconds);
    while (this.#sent < this.#total) {
      this.#sendDue();
      await sleep(1);
    }
  }

  /** What is due goes to an idle connection, or waits for one; its latency counts from when it was due. */
  #sendDue(): void {
    const every = 1_000 / (this.#load.rate as number);
    const now = performance.now();
    while (this.#sent < this.#total && this.#began + this.#sent * every <= now) {
      const lane = this.#idle.pop();
      if (lane === undefined) return;
      this.#send(lane, this.#began + this.#sent * every);
    }
  }

  #connect(): void {
    const { hostname, port } = new URL(this.#load.request.origin);
    const lane: Lane = {
      due: -1,
      connection: new HttpConnection(hostname, Number(port), {
        answered: (status, body) => this.#answered(lane, status, body),
        broken: (error) => {
          this.#fail(error.message);
          lane.due = -1;
          this.#lanes.splice(this.#lanes.indexOf(lane), 1);
          const idle = this.#idle.indexOf(lane);
          if (idle !== -1) this.#idle.splice(idle, 1);
        },
      }),
    };
    this.#lanes.push(lane);
    this.#idle.push(lane);
  }

  #send(lane: Lane, due: number): void {
    lane.due = due;
    lane.connection.send(this.#write(this.#load.first + this.#sent++));
  }

  #answered(lane: Lane, status: number, body: string): void {
    const now = performance.now();
    this.#lastAnswer = now;
    const { started, known, idAfter } = this.#load.request;
    if (means(started, status, body)) {
      const begin = body.indexOf(idAfter) + idAfter.length;
      this.#ids.push(body.slice(begin, body.indexOf('"', begin)));
      this.#latencies.push(now - lane.due);
    } else if (means(known, status, body)) {
      this.#known += 1;
      this.#latencies.push(now - lane.due);
    } else {
      this.#fail(`${status} ${body.slice(0, 200)}`);
    }
    lane.due = -1;
    if (this.#load.rate === undefined) {
      if (this.#open) this.#send(lane, now);
      return;
    }
    this.#idle.push(lane);
    this.#sendDue();
  }

  #fail(text: string): void {
    this.#failures[text] = (this.#failures[text] ?? 0) + 1;
  }
}

function means(meaning: Meaning, status: number, body: string): boolean {
  return status === meaning.status && body.includes(meaning.contains);
}

/** The bytes of a request. {phone} and {contact} stay, as they are shorter or longer than what they stand for. */
function requestText({ origin, path, headers, body }: RequestTemplate): string {
  const length = Buffer.byteLength(template(body)(0));
  const all = { host: new URL(origin).host, ...headers, 'content-length': String(length) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}
