import { readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { cpus, loadavg } from 'node:os';
import { Client, credentials, Metadata, type ClientReadableStream } from '@grpc/grpc-js';
import { eventually } from '@parley/testing';
import type { Violation } from '../checker.ts';
import type { Name } from '../cluster.ts';
import { shorten, violation } from '../invariants.ts';
import { pass, startLoad } from './load.ts';
import type { Rig } from './rig.ts';

/** P11. */
const EXIT_WITHIN_MS = 10_000;

/** A call has two seconds (P10); on a machine with so many processes per core that may be too little for any call. */
const DEADLINE_MS = 1_900;
const STARVED = 4;

/** What a rolling restart showed. */
export interface Rolled {
  violations: Violation[];
  /** The slowest process from SIGTERM to its exit. */
  slowestExitMs: number;
}

/**
 * Fault 11. Under load, ends every process in turn with SIGTERM and starts it again, as a deployment does: no call may
 * fail, and each process ends in time, with 0.
 */
export async function rollingRestart(rig: Rig, perSecond: number): Promise<Rolled> {
  const before = rig.history.calls.length;
  const load = startLoad(rig, { perSecond });
  await pass(500);
  const violations: Violation[] = [];
  let slowestExitMs = 0;
  for (const name of rig.cluster.names) {
    const port = rig.cluster.portOf(name);
    const callers = connectionsTo(port);
    const isGateway = name.startsWith('gateway');
    if (isGateway) rig.leave(name);
    const { ms, found } = await endInTime(rig, name);
    slowestExitMs = Math.max(slowestExitMs, ms);
    violations.push(...found);
    await rig.cluster.restart(name);
    // The other replica may go next only when those that call both have found this one again.
    if (isGateway) rig.join(name);
    else await foundAgain(port, callers);
  }
  await load.stop();
  const starved = loadavg()[0]! > STARVED * cpus().length;
  const failed = rig.history.calls
    .slice(before)
    .filter((call) => call.outcome === 'unknown' && !(starved && call.answeredAt - call.sentAt > DEADLINE_MS))
    .flatMap((call) =>
      violation('I2', `a ${call.kind} failed: ${call.status} ${JSON.stringify(call.answer)}`),
    );
  return { violations: shorten([...violations, ...failed]), slowestExitMs };
}

/**
 * Fault 11, its other half: one replica of each is told to end while a call to it is stuck for good (a health watch;
 * at the gateway a request whose body never comes), and ends in time all the same.
 */
export async function endWithStuckCalls(rig: Rig): Promise<Violation[]> {
  const names = ['gateway-2', 'contact-2', 'flow-catalog-2', 'session-2'] as const;
  const unstick = names.map((name) =>
    name === 'gateway-2' ? stuckRequest(rig, name) : stuckWatch(rig, name),
  );
  // They have to be under way.
  await pass(300);
  const ended = await Promise.all(names.map((name) => endInTime(rig, name)));
  for (const end of unstick) end();
  await Promise.all(names.map((name) => rig.cluster.restart(name)));
  return ended.flatMap(({ found }) => found);
}

/** What a deployment's minReadySeconds is for: callers try again every second at most. */
async function foundAgain(port: number, callers: number): Promise<void> {
  if (process.platform !== 'linux') return pass(2_500);
  return eventually(() => {
    if (connectionsTo(port) < callers) throw new Error('Not all callers are back');
  });
}

/** Connections that a port of ours has accepted. */
function connectionsTo(port: number): number {
  if (process.platform !== 'linux') return 0;
  // "sl local_address rem_address st …", in hexadecimal; 01 is ESTABLISHED.
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(end) === true && state === '01').length;
}

async function endInTime(rig: Rig, name: Name): Promise<{ ms: number; found: Violation[] }> {
  const begun = Date.now();
  const code = await rig.cluster.terminate(name);
  const ms = Date.now() - begun;
  const found: Violation[] = [];
  if (ms > EXIT_WITHIN_MS) found.push(...violation('I9', `${name} took ${ms} ms to end`));
  if (code !== 0) found.push(...violation('I9', `${name} ended with ${code}`));
  return { ms, found };
}

function stuckRequest(rig: Rig, name: Name): () => void {
  const socket = connectTcp(rig.cluster.portOf(name), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    `POST /api/v1/actions/trigger-flow HTTP/1.1\r\nHost: parley\r\nAuthorization: Bearer ${rig.cluster.tokenOf()}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"flow_id":',
  );
  return () => socket.destroy();
}

function stuckWatch(rig: Rig, name: Name): () => void {
  const client = new Client(`127.0.0.1:${rig.cluster.portOf(name)}`, credentials.createInsecure());
  const bytes = (value: Buffer): Buffer => value;
  const watch: ClientReadableStream<Buffer> = client.makeServerStreamRequest(
    '/grpc.health.v1.Health/Watch',
    bytes,
    bytes,
    Buffer.alloc(0),
    new Metadata(),
  );
  watch.on('error', () => undefined);
  watch.resume();
  return () => client.close();
}
