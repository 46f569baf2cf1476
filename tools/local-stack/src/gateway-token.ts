import { CommandError, runCommand } from '@parley/local-servers';
import { GatewayClient } from './gateway-client.ts';
import { saveInstallation } from './installation.ts';
import type { Installation } from './installation.ts';
import { appProgram } from './repository.ts';

export interface TokenOptions {
  home: string;
  installation: Installation;
  gatewayUrl: string;
  /** Of the gateway's database. */
  databaseUrl: string;
  signal: AbortSignal;
}

/** So that one can play and measure; a usual token has 120 requests a minute. */
const RATE_PER_MINUTE = 1_000_000;

/** Gives a client with this installation's token; makes one when there is none or the gateway refuses it. */
export async function ensureToken(
  options: TokenOptions,
): Promise<{ client: GatewayClient; token: string; tenantId: string }> {
  const { installation, gatewayUrl, signal } = options;
  const { token, tenant_id: tenantId } = installation;
  if (token !== undefined && tenantId !== undefined) {
    const client = new GatewayClient(gatewayUrl, token, signal);
    if ((await client.call('GET', '/me')).status === 200) return { client, token, tenantId };
  }
  const created = await createToken(options.databaseUrl, signal);
  installation.token = created.token;
  installation.tenant_id = created.tenant_id;
  saveInstallation(options.home, installation);
  const client = new GatewayClient(gatewayUrl, created.token, signal);
  await client.expect(200, 'GET', '/me');
  return { client, token: created.token, tenantId: created.tenant_id };
}

async function createToken(
  databaseUrl: string,
  signal: AbortSignal,
): Promise<{ token: string; tenant_id: string }> {
  const args = [
    'create',
    '--tenant',
    'local',
    '--name',
    'local-stack',
    '--rate',
    String(RATE_PER_MINUTE),
    '--json',
  ];
  let output: string;
  try {
    output = await runCommand(process.execPath, [appProgram('gateway', 'token'), ...args], {
      env: { ...process.env, DATABASE_URL: databaseUrl },
      signal,
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new Error(`No token could be created:\n${error.output}`, { cause: error });
  }
  return JSON.parse(output) as { token: string; tenant_id: string };
}
