import { request as send } from 'node:http';
import { connect } from 'node:net';
import type { Answer } from '../cluster.ts';

export interface RawRequest {
  method: string;
  /** Sent as it is; nothing in it is resolved or escaped. */
  path: string;
  headers: Record<string, string>;
  body?: string | Uint8Array;
}

/** Sends a request that fetch would refuse to send, or would put right. */
export function sendHttp(address: string, { method, path, headers, body }: RawRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Of a DELETE, Node would not say how long its body is.
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const options = { method, path, headers: { ...length, ...headers }, agent: false };
    const request = send(`http://${address}`, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = response.headers['content-type']?.startsWith('application/json') === true;
        resolve({
          status: response.statusCode!,
          headers: new Headers(response.headers as Record<string, string>),
          text,
          body: isJson && text !== '' ? (JSON.parse(text) as unknown) : text,
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/**
 * Writes to a new connection, piece by piece until something comes back, and gives all that comes back until it is
 * closed.
 */
export function sendBytes(address: string, ...pieces: (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(`http://${address}`);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname);
    const writeNext = (index: number): void => {
      if (answer !== '' || socket.destroyed || index === pieces.length) return;
      // In its own time, so that an answer is read before the other side resets what it will not read.
      socket.write(pieces[index]!, () => setTimeout(writeNext, 2, index + 1));
    };
    socket.on('connect', () => writeNext(0));
    socket.on('data', (data) => (answer += data.toString('latin1')));
    // A server that has refused may close before all is sent.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}
