import { existsSync } from 'node:fs';
import { eventually, EventProbe } from '@parley/testing';
import type { Violation } from '../checker.ts';
import { allSent, quiet } from '../evidence.ts';
import { violation } from '../invariants.ts';
import { returned, type Allowance } from '../resources.ts';
import { pass, startLoad } from './load.ts';
import type { Rig } from './rig.ts';

/** P10: 2 s, and the machine is shared. */
const ANSWERED_WITHIN_MS = 4_000;
const RECOVERED_WITHIN_MS = 15_000;
/** A pool closes what it does not need only after 10 s; more than a pool is a leak. */
const ALLOWANCE: Allowance = { connections: 10 };
/** While calls are under way: two pools, and our connections to the gateway. */
const ALLOWANCE_UNDER_LOAD: Allowance = { connections: 20, handles: 80, withinMs: 0 };

/** How long a server was away, and what came of it. */
export interface Away {
  violations: Violation[];
  /** From the server's return until all is ready and no event waits. */
  recoveredMs: number;
}

/**
 * Fault 3. Kills Postgres with SIGKILL under load, at each pause's end, and starts it again at once. The services
 * have to come back by themselves, with the connections and memory they had.
 */
export async function killPostgres(rig: Rig, pausesMs: number[], perSecond: number): Promise<Away> {
  const baseline = await rig.measure();
  const load = startLoad(rig, { perSecond, retry: true });
  let begun = 0;
  for (const ms of pausesMs) {
    await pass(ms);
    await rig.servers.postgres.kill();
    await rig.servers.postgres.restart();
    begun = Date.now();
  }
  await load.stop();
  return {
    recoveredMs: await recovered(rig, begun),
    violations: await returned(baseline, () => rig.measure(), ALLOWANCE),
  };
}

/**
 * Fault 4. NATS is killed with SIGKILL and away under load: starts go on, and the relay's memory does not grow with
 * what waits.
 */
export async function killNats(rig: Rig, awayMs: number, perSecond: number): Promise<Away> {
  const { nats } = rig.servers;
  await nats.kill();
  const baseline = await rig.measure();
  const before = rig.history.calls.length;
  const load = startLoad(rig, { perSecond });
  await pass(awayMs);
  const during = await returned(baseline, () => rig.measure(), ALLOWANCE_UNDER_LOAD);
  await nats.restart();
  const begun = Date.now();
  await load.stop();
  const failed = rig.history.calls.slice(before).filter(({ outcome }) => outcome === 'unknown');
  const unanswered = failed.flatMap((call) =>
    violation(
      'I2',
      `without NATS a ${call.kind} was answered ${call.status}: ${JSON.stringify(call.answer)}`,
    ),
  );
  return { recoveredMs: await recovered(rig, begun), violations: [...during, ...unanswered] };
}

/**
 * Fault 7. Postgres stands still under load (its connections stay open): every caller is answered in time, readiness
 * turns, and when it goes on so does everything.
 */
export async function stopPostgres(rig: Rig, awayMs: number, perSecond: number): Promise<Away> {
  const baseline = await rig.measure();
  const load = startLoad(rig, { perSecond });
  await pass(500);
  const before = rig.history.calls.length;
  rig.servers.postgres.pause();
  const begunAway = Date.now();
  const turned = await readiness(rig, 503);
  await pass(Math.max(0, begunAway + awayMs - Date.now()));
  rig.servers.postgres.resume();
  const begun = Date.now();
  await load.stop();
  const slow = rig.history.calls
    .slice(before)
    .filter(({ sentAt, answeredAt }) => answeredAt - sentAt > ANSWERED_WITHIN_MS)
    .flatMap((call) =>
      violation('I9', `a ${call.kind} had no answer for ${call.answeredAt - call.sentAt} ms`),
    );
  const recoveredMs = await recovered(rig, begun);
  await rig.startUntilAnswered();
  return {
    recoveredMs,
    violations: [...turned, ...slow, ...(await returned(baseline, () => rig.measure(), ALLOWANCE))],
  };
}

/**
 * Fault 5. NATS loses all it has stored. The stream is made again by itself and what happens from then on is in it;
 * the session service's replay command, where there is one, brings back the rest under the same ids.
 * @returns what came back wrong, or did not
 */
export async function deleteStream(rig: Rig, starts: number): Promise<Violation[]> {
  const { nats } = rig.servers;
  const since = new Date(Date.now() - 60_000).toISOString();
  for (let index = 0; index < starts; index++) await rig.startUntilAnswered();
  const known = await readStream(rig, starts);
  await nats.kill();
  rig.servers.deleteStream();
  await nats.restart();
  const id = await rig.startUntilAnswered();
  const later = await readStream(rig, 1);
  if (!later.some(({ subject }) => subject === id))
    return violation('I4', 'the new stream lacks a new event');

  const replay = new URL('../../../session/dist/outbox.js', import.meta.url);
  if (!existsSync(replay)) return [];
  await rig.cluster.run('session', 'outbox.js', ['replay', '--since', since]);
  const again = await readStream(rig, starts + 1);
  const ids = new Set(again.map((event) => event.id));
  const lost = known.filter((event) => !ids.has(event.id));
  const strange = again.filter((event) => ![...known, ...later].some((other) => other.id === event.id));
  return [
    ...lost.flatMap((event) => violation('I4', `the replay lacks ${event.type} of ${event.subject}`)),
    ...strange.flatMap((event) => violation('I4', `the replay made up ${event.type} of ${event.subject}`)),
  ];
}

/**
 * Fault 6. The replica that holds claimed events is stopped as it stands; the other takes its events over, and more
 * happens to the same sessions; then it goes on, and publishes what it holds once more.
 */
export async function stopRelay(rig: Rig, starts: number, awayMs: number): Promise<void> {
  const { cluster, servers } = rig;
  servers.nats.pause();
  const ids = await Promise.all(Array.from({ length: starts }, () => rig.startUntilAnswered()));
  cluster.pause('session');
  servers.nats.resume();
  const begun = Date.now();
  // Half the calls go to the replica that stands still.
  for (const id of ids.slice(0, starts / 2)) {
    await eventually(async () => {
      const answer = await rig.cancel(id);
      if (!answer || answer.status >= 500) throw new Error('Not cancelled');
    }, RECOVERED_WITHIN_MS);
  }
  await pass(Math.max(0, begun + awayMs - Date.now()));
  cluster.resume('session');
}

/** Until all is ready and the outbox is empty. @throws Error when that takes longer than 15 s */
async function recovered(rig: Rig, begun: number): Promise<number> {
  await rig.cluster.ready();
  await allSent(rig.query, RECOVERED_WITHIN_MS);
  return Date.now() - begun;
}

async function readiness(rig: Rig, status: number): Promise<Violation[]> {
  try {
    await eventually(async () => {
      const response = await fetch(`${rig.cluster.gateway}/readyz`);
      if (response.status !== status) throw new Error(`/readyz is ${response.status}`);
    }, ANSWERED_WITHIN_MS);
    return [];
  } catch (error) {
    return violation('I9', `readiness did not turn: ${String(error)}`);
  }
}

/** All that the stream holds, once that is so many starts and everything is sent. */
async function readStream(rig: Rig, starts: number): Promise<EventProbe['events']> {
  await allSent(rig.query);
  const probe = await EventProbe.open('PARLEY_SESSION', rig.tenantId, rig.servers.nats.url);
  try {
    await probe.waitFor('session.started', starts);
    await quiet(probe);
    return [...probe.events];
  } finally {
    await probe.close();
  }
}
