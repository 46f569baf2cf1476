/** A REST call of this tool's own to the gateway. */
export interface GatewayAnswer {
  status: number;
  body: unknown;
}

/** Calls the gateway of a local stack with the stack's token. */
export class GatewayClient {
  readonly #url: string;
  readonly #token: string;
  readonly #signal: AbortSignal;

  constructor(url: string, token: string, signal: AbortSignal) {
    this.#url = url;
    this.#token = token;
    this.#signal = signal;
  }

  /** Gives any answer, whatever its status, within 10 s. */
  async call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<GatewayAnswer> {
    const response = await fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.any([this.#signal, AbortSignal.timeout(10_000)]),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  /** @throws Error naming the answer when its status is not the expected one */
  async expect(status: number, method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const answer = await this.call(method, path, body);
    if (answer.status === status) return answer.body;
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
}
