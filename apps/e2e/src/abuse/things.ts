import { eventually } from '@parley/testing';
import type { Answer, Cluster } from '../cluster.ts';
import type { Target } from './foreign-ids.rpcs.ts';
import { sendHttp } from './raw-http.ts';

/** A flow, a contact, a running session and a message on its way to nowhere of a tenant, all of which bear the tenant's name. */
export async function thingsOf(cluster: Cluster, tenant: string, phone: string): Promise<Target> {
  const url = `https://${tenant}.example.com/messages`;
  const set = await cluster.request('PUT', '/channels/webhook', { url }, tenant);
  if (set.status >= 300) throw new Error(`The webhook was answered with ${set.text}`);
  const flow = await cluster.createFlow({ tenant });
  const email = `${tenant}@example.com`;
  await cluster.request('POST', '/actions/create-contact', { phone, email, name: tenant }, tenant);
  const requestId = `${tenant}s-request`;
  const { body } = await triggerWithKey(cluster, tenant, requestId, {
    flow_id: flow,
    phone,
    context: { of: tenant },
  });
  const { id, contact_id } = body as { id: string; contact_id: string };
  const delivery = await deliveryOf(cluster, tenant);
  return { flow, contact: contact_id, session: id, delivery, phone, email, requestId };
}

/** The message that the session asked for, once the channel service has heard of it. */
export function deliveryOf(cluster: Cluster, tenant: string): Promise<string> {
  return eventually(async () => {
    const { body } = await cluster.request('GET', '/channels/webhook/deliveries', undefined, tenant);
    const [delivery] = (body as { data: { id: string }[] }).data;
    if (!delivery) throw new Error('no message is on its way yet');
    return delivery.id;
    // A new consumer hears all that the specs before have asked for on this NATS, and it can be much.
  }, 60_000);
}

/** A trigger that can be repeated. */
export function triggerWithKey(cluster: Cluster, tenant: string, key: string, body: object): Promise<Answer> {
  return sendHttp(cluster.addressOf('gateway'), {
    method: 'POST',
    path: '/api/v1/actions/trigger-flow',
    headers: {
      Authorization: `Bearer ${cluster.tokenOf(tenant)}`,
      'Content-Type': 'application/json',
      'Idempotency-Key': key,
    },
    body: JSON.stringify(body),
  });
}
