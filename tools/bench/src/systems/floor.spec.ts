import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '@parley/local-servers';
import type { PostgresServer } from '@parley/local-servers';
import { Starter } from '../floor/starter.ts';
import { contactIdOf } from '../numbered.ts';
import { Floor } from './floor.ts';

const home = mkdtempSync(join(tmpdir(), 'parley-bench-'));
const started = new Set<string>();
let postgres: PostgresServer;
let floor: Floor;
let flow: string;

beforeAll(async () => {
  postgres = await startPostgres({
    dataDir: join(home, 'postgres'),
    password: 'p',
    logFile: join(home, 'log'),
    settings: { fsync: 'off' },
  });
  floor = await Floor.start(postgres, home, new AbortController().signal);
  flow = await floor.newFlow();
}, 60_000);

afterAll(async () => {
  await floor.stop();
  await postgres.stop();
  rmSync(home, { recursive: true, force: true });
});

async function trigger(contact: object): Promise<{ status: number; id?: string }> {
  const { origin, path, headers } = floor.request('phone', flow);
  const body = JSON.stringify({ flow_id: flow, ...contact });
  const response = await fetch(origin + path, { method: 'POST', headers, body });
  const { id } = (await response.json()) as { id?: string };
  if (response.status === 201) started.add(id as string);
  return { status: response.status, ...(id !== undefined && { id }) };
}

describe('the floor', () => {
  it('starts one session for a phone, however many ask at once (P1)', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => trigger({ phone: '+14155550123' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(99).fill(200), 201]);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  });

  it('starts one session for a phone that is there many times in one batch (P1)', async () => {
    const database = new URL(postgres.url);
    database.pathname = '/bench_floor';
    const starter = await Starter.connect(database.href, 'Bench');
    const start = { flowId: flow, contactId: null, phone: '+14155550124', context: {} };
    const answers = await Promise.all(Array.from({ length: 100 }, () => starter.start(start)));
    await starter.close();
    expect(answers.filter((answer) => answer?.isNew)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer?.id)).size).toBe(1);
    started.add(answers[0]?.id as string);
  });

  it('starts one session for a stored contact, by its id or its phone', async () => {
    const first = await trigger({ contact_id: contactIdOf(5) });
    expect(first.status).toBe(201);
    expect(await trigger({ contact_id: contactIdOf(5) })).toEqual({ status: 200, id: first.id });
    expect(await trigger({ phone: '+4915100000005' })).toEqual({ status: 200, id: first.id });
  });

  it('keeps each of many contacts apart', async () => {
    const phones = Array.from({ length: 300 }, (_, n) => ({
      phone: `+14155551${String(n).padStart(3, '0')}`,
    }));
    const answers = await Promise.all(phones.map(trigger));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(300);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  });

  it('refuses a contact that is not there, and what is no request', async () => {
    expect(await trigger({ contact_id: contactIdOf(9_999_999) })).toEqual({ status: 404 });
    expect(await trigger({ phone: 'none' })).toEqual({ status: 422 });
  });

  it('has a session and an event for everything it said it started (P2)', async () => {
    expect((await floor.check(started)).map(({ ok, text }) => [ok, text])).toEqual([
      [true, '303 started, 303 sessions, the same ids'],
      [true, '303 started, 303 outbox rows, the same ids'],
    ]);
  });
});
