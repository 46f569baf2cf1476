import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { messageOf } from '@parley/errors';
import { Database } from '@parley/postgres';
import { postgresUrl, readSettings } from '@parley/service';
import { z } from 'zod';
import { SCOPES } from './auth/access.ts';
import { TOKEN_ENTITIES, TokenStore, type TokenRow } from './auth/token-store.ts';

const DEFAULT_RATE = '120';

const HELP = `Creates, lists and revokes the API tokens of the gateway whose database is DATABASE_URL.

  create --tenant NAME --name NAME   makes a token, and the tenant if it is new; shows the token this once
         [--rate N]                  requests per minute (default ${DEFAULT_RATE})
         [--scope S]                 what it may do, repeatable (default all):
                                     ${SCOPES.join(' ')}
  list   [--tenant NAME]             lists tokens, newest first
  revoke ID                          ends a token, on every gateway within a second

  --json                             answers as JSON`;

const options = {
  tenant: { type: 'string' },
  name: { type: 'string' },
  rate: { type: 'string', default: DEFAULT_RATE },
  scope: { type: 'string', multiple: true },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const name = z
  .string('is required')
  .min(1, 'is required')
  .max(100, 'must not be longer than 100 characters')
  .refine((text) => text === text.trim(), 'must not begin or end with a space');

const createOptions = z.object({
  tenant: name,
  name,
  rate: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(1, 'must be 1 or more')
    .max(1_000_000_000),
  scope: z.array(z.enum(SCOPES, `must be one of ${SCOPES.join(', ')}`)).default([...SCOPES]),
});

/** Something the person at the terminal got wrong. */
class UsageError extends Error {}

async function run(): Promise<void> {
  const { values, positionals } = parse();
  const [command, id] = positionals;
  if (values.help || command === undefined) return console.log(HELP);
  const tooMany = positionals[command === 'revoke' ? 2 : 1];
  if (tooMany !== undefined) throw new UsageError(`${tooMany} is one word too many. Try --help.`);
  const { DATABASE_URL } = readSettings(z.object({ DATABASE_URL: postgresUrl }), process.env);
  const database = await Database.connect({ url: DATABASE_URL, name: 'token', entities: TOKEN_ENTITIES });
  try {
    const tokens = new TokenStore(database);
    if (command === 'create') await create(tokens, values);
    else if (command === 'list') show(await tokens.list(values.tenant), values.json);
    else if (command === 'revoke') await revoke(tokens, id);
    else throw new UsageError(`There is no command ${command}. Try --help.`);
  } finally {
    await database.close();
  }
}

function parse() {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

async function create(tokens: TokenStore, values: ReturnType<typeof parse>['values']): Promise<void> {
  const result = createOptions.safeParse(values);
  if (!result.success) {
    throw new UsageError(
      result.error.issues.map((issue) => `--${issue.path[0]?.toString()} ${issue.message}`).join('\n'),
    );
  }
  const { tenant, name, rate, scope } = result.data;
  const token = await tokens.create({ tenant, name, rateLimit: rate, scopes: scope });
  if (values.json) return console.log(JSON.stringify(token));
  console.log(
    `Token ${name} of tenant ${tenant} (id ${token.id}). It is not shown again:\n\n  ${token.token}\n`,
  );
}

async function revoke(tokens: TokenStore, id: string | undefined): Promise<void> {
  const uuid = z.uuid().safeParse(id);
  if (!uuid.success) throw new UsageError('revoke needs the id of a token; list shows them.');
  if (!(await tokens.revoke(uuid.data)))
    throw new UsageError('There is no such token, or it is revoked already.');
  console.log('Revoked.');
}

function show(rows: TokenRow[], json: boolean): void {
  if (json) return console.log(JSON.stringify(rows));
  console.table(
    rows.map((row) => ({
      id: row.id,
      tenant: row.tenant,
      name: row.name,
      rate: row.rate_limit,
      scopes: row.scopes.length === SCOPES.length ? 'all' : row.scopes.join(' '),
      created: row.created_at.toISOString(),
      revoked: row.revoked_at?.toISOString() ?? '',
    })),
  );
}

try {
  await run();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
