import type { Cluster } from '../cluster.ts';
import type { Target } from './foreign-ids.rpcs.ts';

/** A flow, a contact and a running session of a tenant, all of which bear the tenant's name. */
export async function thingsOf(cluster: Cluster, tenant: string, phone: string): Promise<Target> {
  const flow = await cluster.createFlow({ tenant });
  const email = `${tenant}@example.com`;
  await cluster.request('POST', '/actions/create-contact', { phone, email, name: tenant }, tenant);
  const started = await cluster.trigger({ flow_id: flow, phone, context: { of: tenant } }, tenant);
  const { id, contact_id } = started.body as { id: string; contact_id: string };
  return { flow, contact: contact_id, session: id, phone, email, requestId: `${tenant}s-request` };
}
