import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { freePort, runCommand, startProcess } from '@parley/local-servers';
import { eventually, queryOnce } from '@parley/testing';
import type { Violation } from '../checker.ts';
import { violation } from '../invariants.ts';
import type { Rig } from './rig.ts';

const DIST = fileURLToPath(new URL('../../../session/dist', import.meta.url));
/** All at once, on a machine of two cores. */
const READY_WITHIN_MS = 120_000;

/**
 * Fault 12. So many replicas of the session service come up on an empty database, each migrating it first: every
 * migration is run once, whoever runs it, and all get ready.
 */
export async function startManyReplicas(rig: Rig, count: number): Promise<Violation[]> {
  const name = `empty_${Date.now()}`;
  const url = new URL(rig.servers.postgres.url);
  await queryOnce(url.href, `CREATE DATABASE ${name}`);
  url.pathname = `/${name}`;
  const folder = mkdtempSync(join(tmpdir(), 'parley-replicas-'));
  const ended: (() => Promise<void>)[] = [];
  try {
    const said = await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const port = await freePort();
        const env = {
          ...process.env,
          NODE_OPTIONS: '',
          DATABASE_URL: url.href,
          DATABASE_POOL_SIZE: '2',
          NATS_URL: rig.servers.nats.url,
          FLOW_CATALOG_ADDRESS: rig.cluster.targetOf('flow-catalog'),
          GRPC_PORT: String(port),
        };
        const migrated = await runCommand(process.execPath, [join(DIST, 'migrate.js')], { env });
        const started = await startProcess({
          name: `replica ${index}`,
          command: process.execPath,
          args: [join(DIST, 'main.js')],
          env,
          logFile: join(folder, `${index}.log`),
        });
        ended.push(() => started.stop());
        await eventually(() => isServing(port), READY_WITHIN_MS);
        return migrated;
      }),
    );
    const ran = said.flatMap((text) => /Migrated: ([^"]+)/.exec(text)?.[1]?.split(', ') ?? []);
    const applied = (await queryOnce(url.href, 'SELECT name FROM migrations')).map(
      (row) => row['name'] as string,
    );
    const once = ran.toSorted().join() === applied.toSorted().join() && new Set(ran).size === ran.length;
    return once ? [] : violation('I9', `the migrations ${applied.join(', ')} were run as ${ran.join(', ')}`);
  } finally {
    await Promise.all(ended.map((end) => end()));
    await queryOnce(rig.servers.postgres.url, `DROP DATABASE ${name} WITH (FORCE)`);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** grpc.health.v1.Health/Check; its answer's first field is the status, 1 is SERVING. */
async function isServing(port: number): Promise<void> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const bytes = (value: Buffer): Buffer => value;
  try {
    const answer = await new Promise<Buffer | undefined>((resolve, reject) => {
      const path = '/grpc.health.v1.Health/Check';
      const options = { deadline: Date.now() + 2_000 };
      client.makeUnaryRequest(
        path,
        bytes,
        bytes,
        Buffer.alloc(0),
        new Metadata(),
        options,
        (error, value) => {
          if (error) reject(error);
          else resolve(value);
        },
      );
    });
    if (answer?.[1] !== 1) throw new Error('Not serving');
  } finally {
    client.close();
  }
}
