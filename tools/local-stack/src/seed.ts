import { readFileSync } from 'node:fs';
import type { GatewayClient } from './gateway-client.ts';
import { saveInstallation } from './installation.ts';
import type { Installation } from './installation.ts';

/** The keys of the seeded flows in stack.json; each is a file seed/<key>.json, the body of POST /flows. */
export const SEEDED_FLOWS = ['abandoned_cart', 'main_menu', 'support_triage'] as const;

/**
 * Creates and publishes the example flows that the gateway does not have yet. What was made is remembered, so
 * that a start changes nothing that a user changed.
 * @returns the id of each flow
 */
export async function seedFlows(
  client: GatewayClient,
  home: string,
  installation: Installation,
): Promise<Record<string, string>> {
  for (const key of SEEDED_FLOWS) {
    const known = installation.flows[key];
    if (known !== undefined && (await exists(client, known))) continue;
    const body: unknown = JSON.parse(readFileSync(new URL(`../seed/${key}.json`, import.meta.url), 'utf8'));
    const { id } = (await client.expect(201, 'POST', '/flows', body)) as { id: string };
    await client.expect(200, 'POST', `/flows/${id}/publish`);
    // Only now: a flow that was created but not published is made again.
    installation.flows[key] = id;
    saveInstallation(home, installation);
  }
  return installation.flows;
}

async function exists(client: GatewayClient, id: string): Promise<boolean> {
  const { status, body } = await client.call('GET', `/flows/${id}`);
  if (status === 200 || status === 404) return status === 200;
  throw new Error(`GET /flows/${id} answered ${status}: ${JSON.stringify(body)}`);
}
