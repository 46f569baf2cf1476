import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, it } from '@jest/globals';
import { closeIdleLast } from './close-idle-last.ts';

const CLIENTS = 100;
/** Of a server that closes idle connections first, some of a hundred clients are reset in most rounds. */
const ROUNDS = 15;

/** On a thread of its own: clients that keep a connection, and when it ends make another one. */
const CLIENT_CODE = `
  const { connect } = require('node:net');
  const { parentPort, workerData: { port, count } } = require('node:worker_threads');
  const outcomes = [];
  let kept = 0;
  for (let client = 0; client < count; client++) {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\\r\\nHost: spec\\r\\n\\r\\n');
    socket.once('data', () => { if (++kept === count) parentPort.postMessage('kept'); });
    socket.on('error', () => undefined);
    socket.on('end', () => {
      const again = connect(port, '127.0.0.1');
      const tell = (outcome) => { if (outcomes.push(outcome) === count) parentPort.postMessage(outcomes); };
      again.on('connect', () => again.write('GET / HTTP/1.1\\r\\nHost: spec\\r\\n\\r\\n'));
      again.once('data', () => tell('answered'));
      again.on('error', ({ code }) => tell(code));
      socket.destroy();
    });
  }`;

it('refuses who connects anew when it closes the connections that were kept, and resets nobody (P11)', async () => {
  const outcomes = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const server = createServer((_request, response) => response.end('x'));
    closeIdleLast(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const clients = new Worker(CLIENT_CODE, { eval: true, workerData: { port, count: CLIENTS } });
    await once(clients, 'message');
    const told = once(clients, 'message') as Promise<[string[]]>;
    server.close();
    for (const outcome of (await told)[0]) outcomes.add(outcome);
    await clients.terminate();
  }
  expect([...outcomes]).toEqual(['ECONNREFUSED']);
});
