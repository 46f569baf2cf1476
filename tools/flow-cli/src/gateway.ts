import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@parley/errors';
import { parseJson } from '@parley/json-limits';
import { z } from 'zod';
import { CommandError } from './command-error.ts';
import type { Connection } from './connection.ts';

const MAX_MS = 10_000;
/** How long one request waits in all while its token has used up its rate. */
const MAX_WAIT_MS = 60_000;

const flow = z.object({
  id: z.string(),
  name: z.string(),
  settings: z.record(z.string(), z.unknown()),
  definition: z.unknown(),
  published_version: z.number().nullable(),
});
const flowPage = z.object({ data: z.array(flow), next: z.string().nullable() });
const publishedFlow = flow.extend({
  warnings: z.array(z.object({ field: z.string(), message: z.string() })),
});
const refusal = z.object({
  error: z.string().optional(),
  errors: z.record(z.string(), z.array(z.string())).optional(),
});

export type Flow = z.output<typeof flow>;
export type PublishedFlow = z.output<typeof publishedFlow>;

interface Answer {
  status: number;
  text: string;
  /** Seconds; 1 where the answer says nothing. */
  retryAfter: number;
}

/** The flows of a gateway. Methods throw a CommandError with what it answered where it refuses. */
export class Gateway {
  readonly url: string;
  readonly #token: string;

  constructor({ url, token }: Connection) {
    this.url = url;
    this.#token = token;
  }

  create(body: unknown): Promise<Flow> {
    return this.#ask(flow, 'POST', '/flows', body);
  }

  update(id: string, body: unknown): Promise<Flow> {
    return this.#ask(flow, 'PATCH', `/flows/${id}`, body);
  }

  get(id: string): Promise<Flow> {
    return this.#ask(flow, 'GET', `/flows/${id}`);
  }

  /** All but archived ones. */
  async *list(): AsyncGenerator<Flow> {
    for (let after: string | null = ''; after !== null;) {
      const page: z.output<typeof flowPage> = await this.#ask(
        flowPage,
        'GET',
        `/flows?limit=100&after=${encodeURIComponent(after)}`,
      );
      yield* page.data;
      after = page.next;
    }
  }

  publish(id: string): Promise<PublishedFlow> {
    return this.#ask(publishedFlow, 'POST', `/flows/${id}/publish`);
  }

  async #ask<Schema extends z.ZodType>(
    schema: Schema,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<z.output<Schema>> {
    const { status, text } = await this.#sendAtItsRate(method, path, body);
    let json: unknown;
    try {
      json = parseJson(text);
    } catch {
      throw new CommandError(`${this.url} answered ${status} with what is no JSON. Is it a Parley gateway?`);
    }
    if (status >= 400) throw new GatewayRefusal(status, reasonsIn(json));
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    throw new CommandError(
      `${this.url} answered ${method} ${path} in a way that this program does not know.`,
    );
  }

  /** Goes on when it may, so that pulling many flows does not end half-way. */
  async #sendAtItsRate(method: string, path: string, body: unknown): Promise<Answer> {
    for (let waited = 0; ;) {
      const answer = await this.#send(method, path, body);
      const ms = answer.retryAfter * 1_000;
      if (answer.status !== 429 || waited + ms > MAX_WAIT_MS) return answer;
      await sleep(ms);
      waited += ms;
    }
  }

  async #send(method: string, path: string, body: unknown): Promise<Answer> {
    try {
      const response = await fetch(`${this.url}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(MAX_MS),
      });
      const retryAfter = Number(response.headers.get('retry-after')) || 1;
      return { status: response.status, text: await response.text(), retryAfter };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw new CommandError(`${this.url} cannot be reached: ${messageOf(cause)}`);
    }
  }
}

/** An answer of 400 or more. */
export class GatewayRefusal extends CommandError {
  readonly status: number;

  constructor(status: number, reasons: string[]) {
    super(`the gateway answered ${status}: ${reasons.join('\n  ')}`);
    this.status = status;
  }
}

function reasonsIn(json: unknown): string[] {
  const { error, errors } = refusal.safeParse(json).data ?? {};
  if (error !== undefined) return [error];
  return Object.entries(errors ?? {}).flatMap(([field, texts]) => texts.map((text) => `${field}: ${text}`));
}
