import type { Answer, Cluster } from '../cluster.ts';
import { sendHttp } from './raw-http.ts';

const PHONE = '+14155558642';
const OTHER_PHONE = '+14155558643';
/** Without its +, as it is looked for. */
const digits = (phone: string): string => phone.slice(1);

/** Values that only a caller of a test sends, none of which may come out anywhere but in answers to it. */
export const CANARIES = [
  digits(PHONE),
  digits(OTHER_PHONE),
  '4155558644',
  '(415) 555-8642',
  'Canary-Name-7731',
  'canary-7731@example.com',
  'canary-context-7731',
  'canary-metadata-7731',
  'canary-tag-7731',
  'canary-query-7731',
  'canary-broken-7731',
  'canary-key-7731',
  'canary-secret-7731',
];

/** Requests that hold them, good ones and bad ones. */
export async function everyRequestWith(cluster: Cluster): Promise<Answer[]> {
  const answers: Answer[] = [];
  const send = async (method: string, path: string, body?: unknown, headers = {}): Promise<Answer> => {
    const answer = await sendHttp(cluster.addressOf('gateway'), {
      method,
      path: `/api/v1${path}`,
      headers: {
        Authorization: `Bearer ${cluster.tokenOf()}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    answers.push(answer);
    return answer;
  };
  const post = (path: string, body: unknown, headers = {}): Promise<Answer> =>
    send('POST', `/actions/${path}`, body, headers);

  const fields = {
    name: 'Canary-Name-7731',
    email: 'canary-7731@example.com',
    tags: ['canary-tag-7731'],
    metadata: { a: 'canary-metadata-7731', 'canary-metadata-7731': 1 },
  };
  const context = { a: 'canary-context-7731', 'canary-context-7731': { b: PHONE } };
  const created = await post('create-contact', { phone: PHONE, ...fields });
  const other = await post('create-contact', { phone: OTHER_PHONE, ...fields });
  const contact_id = (created.body as { id?: string }).id ?? '0190b0a0-0000-7000-8000-000000000000';
  const otherId = (other.body as { id?: string }).id ?? contact_id;
  const flow_id = await flowOf(cluster);

  // Good ones.
  const secrets = {
    access_token: 'canary-secret-7731',
    app_secret: 'canary-secret-7731',
    verify_token: 'canary-secret-7731',
  };
  await Promise.all([
    send('PUT', '/channels/whatsapp', { phone_number_id: '106540352242922', ...secrets }),
    post('trigger-flow', { flow_id, phone: PHONE, context }, { 'Idempotency-Key': 'canary-key-7731' }),
    post('trigger-flow', { flow_id, contact_id, context }),
    post('trigger-flow', { flow_id, phone: '+14155558644', context, dry_run: true }),
    post('get-contact', { phone: PHONE }),
    post('get-contact', { email: 'canary-7731@example.com' }),
    post('search-contacts', { query: 'canary-query-7731', tag: 'canary-tag-7731' }),
    post('update-contact', { contact_id, ...fields }),
    post('add-tag', { contact_id, tag: 'canary-tag-7731' }),
    send('GET', '/contacts?query=canary-query-7731&email=canary-7731%40example.com'),
    send('GET', `/contacts?query=${digits(PHONE)}`),
  ]);
  await send('POST', `/contacts/${otherId}/opt-out`);

  // Refused for what is stored, for the fields, and for the body.
  await Promise.all([
    post('update-contact', { contact_id, phone: OTHER_PHONE }),
    post('trigger-flow', { flow_id, contact_id, phone: OTHER_PHONE, context }),
    post(
      'trigger-flow',
      { flow_id, phone: '+14155558644', context },
      { 'Idempotency-Key': 'canary-key-7731' },
    ),
    post('trigger-flow', { flow_id, phone: OTHER_PHONE, context }),
    post('get-contact', { email: 'canary-broken-7731' }),
    post('create-contact', { phone: '(415) 555-8642', ...fields }),
    post('create-contact', { phone: 'canary-broken-7731', ...fields }),
    post('create-contact', { phone: PHONE, email: 'canary-broken-7731', locale: 'canary-broken-7731' }),
    post('create-contact', {
      phone: PHONE,
      tags: ['canary-broken-7731'.repeat(10)],
      metadata: 'canary-broken-7731',
    }),
    post('trigger-flow', {
      flow_id: 'canary-broken-7731',
      contact_id: 'canary-broken-7731',
      phone: PHONE,
    }),
    post('trigger-flow', { flow_id, phone: PHONE, context: 'canary-context-7731' }),
    post('trigger-flow', `{"phone":"${PHONE}","context":{"a":"canary-context-7731"},"n":9007199254740993,}`),
    post('trigger-flow', { flow_id, phone: PHONE, context: { a: 'canary-context-7731\0' } }),
    post('trigger-flow', 'canary-broken-7731'),
    post('trigger-flow/batch', { items: [{ flow_id, phone: 'canary-broken-7731', context }] }),
    send('GET', '/contacts/canary-broken-7731?query=canary-broken-7731'),
    send('GET', '/contacts?limit=canary-broken-7731'),
    send('GET', '/sessions?contact_id=canary-broken-7731&after=canary-broken-7731'),
    send('GET', '/canary-broken-7731'),
  ]);
  return answers;
}

/** One for all; asked for while everything is well. */
const flows = new WeakMap<Cluster, string>();

async function flowOf(cluster: Cluster): Promise<string> {
  const known = flows.get(cluster);
  if (known !== undefined) return known;
  const flow = await cluster.createFlow();
  flows.set(cluster, flow);
  return flow;
}
