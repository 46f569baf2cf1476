import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** Told of each answer, and of the connection's end where it was not asked for. */
export interface ConnectionListener {
  answered(status: number, body: string): void;
  broken(error: Error): void;
}

const HEAD_END = '\r\n\r\n';
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;

/**
 * One HTTP/1.1 connection that is kept alive and carries one request at a time. It knows no more of HTTP than answers
 * with a Content-Length, so that the load generator leaves the machine to what it measures.
 */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #listener: ConnectionListener;
  #received = '';
  #closed = false;

  constructor(host: string, port: number, listener: ConnectionListener) {
    this.#listener = listener;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (chunk) => this.#receive(String(chunk)));
    this.#socket.on('error', (error) => this.#break(error));
    this.#socket.on('close', () => this.#break(new Error('The connection was closed')));
  }

  send(request: string): void {
    this.#socket.write(request);
  }

  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  #receive(chunk: string): void {
    this.#received += chunk;
    const head = this.#received.indexOf(HEAD_END);
    if (head === -1) return;
    const length = CONTENT_LENGTH.exec(this.#received)?.[1];
    if (length === undefined) return this.#break(new Error('An answer without Content-Length'));
    const begin = head + HEAD_END.length;
    const end = begin + Number(length);
    if (this.#received.length < end) return;
    // "HTTP/1.1 201 Created"
    const status = Number(this.#received.slice(9, 12));
    const body = this.#received.slice(begin, end);
    this.#received = this.#received.slice(end);
    this.#listener.answered(status, body);
  }

  #break(error: Error): void {
    if (this.#closed) return;
    this.close();
    this.#listener.broken(error);
  }
}
