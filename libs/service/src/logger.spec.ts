import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const PHONE = '+14155550123';

/** What a process writes that runs this code with `log`, a Logger, and `runInRequest`. */
async function written(
  code: string,
  level = 'info',
): Promise<{ lines: Record<string, unknown>[]; text: string }> {
  const script = `
    import { Logger } from ${JSON.stringify(urlOf('./logger.ts'))};
    import { runInRequest } from ${JSON.stringify(urlOf('./request-context.ts'))};
    const log = new Logger('spec', ${JSON.stringify(level)});
    ${code}
  `;
  const source = '--conditions=@parley/source';
  const options = [source, '--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, options, {
    env,
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>), text: stdout };
}

function urlOf(file: string): string {
  return new URL(file, import.meta.url).href;
}

/** As TypeORM fails when a row is refused. */
const DATABASE_ERROR = `
  const driverError = Object.assign(new Error('duplicate key value violates unique constraint "contacts_phone"'), {
    code: '23505', detail: 'Key (phone)=(${PHONE}) already exists.', where: 'COPY contacts, line 1: ${PHONE}' });
  const failed = Object.assign(new Error(driverError.message), driverError, {
    name: 'QueryFailedError', driverError, query: "INSERT INTO contacts VALUES ('${PHONE}')", parameters: ['${PHONE}'] });
`;

describe('a log line', () => {
  it('is JSON with time, level, service and message', async () => {
    const { lines } = await written(`log.log('Listening');`);
    expect(lines).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        level: 'info',
        service: 'spec',
        message: 'Listening',
      },
    ]);
  });

  it('of a kind there are many of waits for others, but no longer than for the next of another kind', async () => {
    const { lines } = await written(`
      log.often('Request', { n: 1 });
      log.warn('Careful');
      log.often('Request', { n: 2 });
      process.exit(0);
    `);
    expect(lines.map(({ message, n }) => [message, n])).toEqual([
      ['Request', 1],
      ['Careful', undefined],
      ['Request', 2],
    ]);
  });

  it('of a kind there are many of is written soon, also when nothing else is', async () => {
    const killed = written(`
      log.often('Request', { n: 1 });
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1_000);
    `);
    await expect(killed).rejects.toMatchObject({ stdout: expect.stringContaining('"n":1') as unknown });
  });

  it('carries the request id and the tenant inside a request, and neither outside', async () => {
    const { lines } = await written(`
      runInRequest({ requestId: 'r-1', tenantId: 't-1' }, () => log.log('inside'));
      await runInRequest({ requestId: 'r-2' }, async () => { await null; log.warn('later'); });
      log.log('outside');
    `);
    expect(lines.map(({ message, request_id, tenant_id }) => [message, request_id, tenant_id])).toEqual([
      ['inside', 'r-1', 't-1'],
      ['later', 'r-2', undefined],
      ['outside', undefined, undefined],
    ]);
  });

  it.each([
    ['log', 'info'],
    ['warn', 'warn'],
    ['error', 'error'],
    ['fatal', 'fatal'],
    ['debug', 'debug'],
  ])('of %s() has the level %s', async (method, level) => {
    const { lines } = await written(`log.${method}('x', { count: 3 }, 'Context');`, 'debug');
    expect(lines).toMatchObject([{ level, message: 'x', count: 3, context: 'Context' }]);
  });

  it.each([
    ['warn', ['warn', 'error', 'fatal']],
    ['fatal', ['fatal']],
    ['silent', []],
  ])('is written at the level %s only when it matters as much', async (level, expected) => {
    const { lines } = await written(
      `log.debug('x'); log.log('x'); log.warn('x'); log.error('x'); log.fatal('x');`,
      level,
    );
    expect(lines.map((line) => line['level'])).toEqual(expected);
  });

  it.each([
    ['given as a field', `log.error('Failed', { error: failed });`],
    ['given by itself', `log.error('Failed', failed);`],
    ['the cause of another', `log.error('Failed', { error: new Error('Away', { cause: failed }) });`],
    ['the cause of a cause', `log.error('x', new Error('a', { cause: new Error('b', { cause: failed }) }));`],
    ['logged by the name of err', `log.error('Failed', { err: failed });`],
    ['logged by another name', `log.error('Failed', { reason: failed });`],
    ['the message itself, as Nest does', `log.error(failed);`],
  ])('names a database error but quotes no row of it, when it is %s', async (_, code) => {
    const { lines, text } = await written(`${DATABASE_ERROR} ${code}`);
    expect(lines).toHaveLength(1);
    expect(text).toContain('contacts_phone');
    expect(text).not.toContain(PHONE);
    expect(text).not.toContain('INSERT INTO');
  });

  it('has no stack of what is an answer, nor of its cause', async () => {
    const { lines, text } = await written(`
      const { unavailable } = await import('@parley/errors');
      const cause = Object.assign(new Error('Query read timeout'), { code: '57014' });
      log.warn('Away', { error: unavailable('Away', cause) });`);
    expect(lines[0]).toMatchObject({
      error: { message: 'Away', cause: { message: 'Query read timeout', code: '57014' } },
    });
    expect(text).not.toContain('stack');
  });

  it('has the name, code, message and stack of an error and of its cause', async () => {
    const { lines } = await written(
      `${DATABASE_ERROR} log.error('x', new Error('Away', { cause: failed }));`,
    );
    expect(lines[0]!['error']).toMatchObject({
      name: 'Error',
      message: 'Away',
      stack: expect.stringContaining('Away'),
      cause: { name: 'QueryFailedError', code: '23505', message: expect.stringContaining('duplicate key') },
    });
  });

  it('has what each address of a name said, where the error itself says nothing', async () => {
    const { lines } = await written(`
      const refused = ['::1', '127.0.0.1'].map((host) => new Error('connect ECONNREFUSED ' + host + ':5432'));
      log.error('No database', { error: new AggregateError(refused) });`);
    expect(lines[0]).toMatchObject({
      error: { message: 'connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432' },
    });
  });

  it('ends, though an error is the cause of its own cause', async () => {
    const { lines } = await written(`
      const error = new Error('first', { cause: new Error('second') });
      error.cause.cause = error;
      log.error('Round and round', { error });`);
    expect(lines[0]).toMatchObject({ error: { cause: { message: 'second', cause: { message: 'first' } } } });
  });

  it('is one line, whatever the message holds', async () => {
    const { lines } = await written(`log.log('two\\nlines "quoted" \\u0007 🦜');`);
    expect(lines).toMatchObject([{ message: 'two\nlines "quoted" \u0007 🦜' }]);
  });
});
