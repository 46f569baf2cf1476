import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from './cluster.ts';

const PROGRAM = fileURLToPath(new URL('../../../tools/flow-cli/src/flow.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'parley-flow-files-'));

const hello = {
  name: 'Hello, wörld!',
  settings: { session_ttl_minutes: 5 },
  definition: {
    nodes: [
      { id: 'start', type: 'entry', position: { x: 1.5, y: -2 } },
      { id: 'bye', type: 'end', data: {} },
    ],
    edges: [{ source: 'start', target: 'bye' }],
  },
};

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Types `npm run flow -- …` in the folder, for the cluster's gateway. */
function flow(
  args: string[],
  token = cluster.tokenOf(),
): Promise<{ code: number; output: string; errors: string }> {
  const env = {
    PATH: process.env['PATH'],
    PARLEY_HOME: folder,
    PARLEY_URL: cluster.gateway,
    PARLEY_TOKEN: token,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { cwd: folder, env }, (error, output, errors) => {
      resolve({ code: error ? Number(error.code) : 0, output, errors });
    });
  });
}

const write = (name: string, content: object): void =>
  writeFileSync(join(folder, name), JSON.stringify(content));
const read = (...path: string[]): unknown => JSON.parse(readFileSync(join(folder, ...path), 'utf8'));
const idOf = (name: string): string =>
  (read('flows.local.json') as Record<string, Record<string, string>>)[cluster.gateway]![name]!;
const stored = async (id: string): Promise<Record<string, unknown>> =>
  (await cluster.request('GET', `/flows/${id}`)).body as Record<string, unknown>;

describe('flows in files', () => {
  it('are created at the first push and updated from then on', async () => {
    write('hello.json', hello);
    const first = await flow(['push', 'hello.json']);
    expect(first).toMatchObject({ code: 0, errors: '' });
    const id = idOf('hello.json');
    expect(first.output).toBe(`hello.json: created ${id}\n`);
    expect(await stored(id)).toMatchObject({ ...hello, status: 'draft' });

    write('hello.json', { ...hello, name: 'Hello again' });
    expect((await flow(['push', 'hello.json'])).output).toBe(`hello.json: updated ${id}\n`);
    expect(await stored(id)).toMatchObject({ name: 'Hello again', definition: hello.definition });
  });

  it('are published by file, which is pushed first, and by id', async () => {
    write('hello.json', { ...hello, name: 'Published' });
    const byFile = await flow(['publish', 'hello.json']);
    expect(byFile).toMatchObject({ code: 0, errors: '' });
    expect(byFile.output).toContain('Published: version 1 is published\n');
    const byId = await flow(['publish', idOf('hello.json')]);
    expect(byId.output).toBe('Published: version 1 is published\n');
  });

  it('are pulled as they would be pushed, to the file that is known or one named after the flow', async () => {
    write('hello.json', hello);
    await flow(['push', 'hello.json']);
    const id = idOf('hello.json');
    expect(await flow(['pull', id, '--to', 'pulled'])).toMatchObject({
      code: 0,
      output: `${join('pulled', 'hello_world.json')}: Hello, wörld!\n`,
    });
    expect(read('pulled', 'hello_world.json')).toMatchObject(hello);

    // The one that is there belongs to another flow.
    const other = await cluster.request('POST', '/flows', { ...hello, settings: { session_ttl_minutes: 7 } });
    const otherId = (other.body as { id: string }).id;
    const all = await flow(['pull', '--all', '--to', 'pulled']);
    expect(all).toMatchObject({ code: 0, errors: '' });
    expect(all.output).toContain(`${join('pulled', 'hello_world.json')}: `);
    const otherFile = `hello_world_${otherId.slice(-12)}.json`;
    expect(read('pulled', otherFile)).toMatchObject({ settings: { session_ttl_minutes: 7 } });
    expect((await flow(['push', join('pulled', otherFile)])).output).toContain(`updated ${otherId}`);
  });

  it('make a new flow where theirs is gone, or is of another tenant', async () => {
    await cluster.createToken('rival');
    const before = idOf('hello.json');
    const { output } = await flow(['push', 'hello.json'], cluster.tokenOf('rival'));
    expect(output).toBe(`hello.json: created ${idOf('hello.json')}; ${before} is no longer there\n`);
    expect(await stored(before)).toMatchObject({ id: before });
  });

  it('are refused with what the gateway says, and the others go on', async () => {
    const broken = { name: 'Broken', definition: { nodes: [{ id: 'a', type: 'dance' }], edges: [] } };
    write('broken.json', broken);
    const published = await flow(['publish', 'broken.json']);
    expect(published.code).toBe(1);
    expect(published.errors).toMatch(/^the gateway answered 422: nodes\[0\]\.type: must be /);

    write('archived.json', hello);
    await flow(['push', 'archived.json']);
    await cluster.request('POST', `/flows/${idOf('archived.json')}/archive`);
    const pushed = await flow(['push', 'archived.json', 'none.json', 'broken.json']);
    expect(pushed.code).toBe(1);
    expect(pushed.errors).toBe(
      'archived.json: the gateway answered 409: Flow is archived. To make a new flow of the file, take its line out of flows.local.json.\n' +
        'none.json: there is no such file\n',
    );
    expect(pushed.output).toContain('broken.json: updated');
    expect((await flow(['push', 'broken.json'], 'wrong')).errors).toContain('401: Unauthenticated.');
    expect(existsSync(join(folder, 'flows.lock.json'))).toBe(false);
  });
});
