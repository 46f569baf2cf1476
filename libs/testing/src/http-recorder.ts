import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RecordedRequest {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface RecordedAnswer {
  status: number;
  body?: string;
  headers?: Record<string, string>;
  /** Resolves when the answer may leave. */
  when?: Promise<unknown>;
  /** Instead of an answer the connection breaks. */
  breaks?: boolean;
}

/** A server of somebody else's, over real HTTP: it records what it gets and answers as the test says. */
export class HttpRecorder {
  readonly requests: RecordedRequest[] = [];
  private readonly server: Server;
  private readonly answer: (request: RecordedRequest, number: number) => RecordedAnswer;

  /** answer: number is 1 for the first request. */
  private constructor(answer: (request: RecordedRequest, number: number) => RecordedAnswer) {
    this.answer = answer;
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const recorded = { path: request.url ?? '', headers: request.headers, body };
        this.requests.push(recorded);
        const {
          status,
          body: text = '',
          headers,
          when,
          breaks,
        } = this.answer(recorded, this.requests.length);
        void Promise.resolve(when).then(() => {
          if (breaks) return response.destroy();
          return response.writeHead(status, headers).end(text);
        });
      });
    });
  }

  static async start(
    answer: (request: RecordedRequest, number: number) => RecordedAnswer,
  ): Promise<HttpRecorder> {
    const recorder = new HttpRecorder(answer);
    await new Promise<void>((resolve) => recorder.server.listen(0, '127.0.0.1', resolve));
    return recorder;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The bodies received, parsed. */
  get bodies(): Record<string, unknown>[] {
    return this.requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  }

  /** May be called again. */
  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
