import { eventually, EventProbe, HttpRecorder } from '@parley/testing';
import { violation, type Violation } from '../invariants.ts';
import { pass, startLoad } from './load.ts';
import type { Rig, RigOptions } from './rig.ts';

/** A message that a killed replica was sending is another's after half a minute. */
const DELIVERED_WITHIN_MS = 90_000;

/** Two replicas of channel, which may send to this machine and are soon there again. */
export const WITH_CHANNELS: RigOptions = {
  replicas: { channel: 2, session: 1 },
  settings: (name): Record<string, string> =>
    name.startsWith('channel') ? { ALLOW_PRIVATE_TARGETS: 'true', RETRY_SECONDS: '0.5,2,10,30' } : {},
};

/** A shop's server that fails one request in twenty: these come again. */
export function failingWebhook(): Promise<HttpRecorder> {
  return HttpRecorder.start((_request, number) => ({ status: number % 20 === 0 ? 500 : 204 }));
}

/** What came of it. */
export interface Delivered {
  violations: Violation[];
  messages: number;
  /** Requests beyond those: the webhook had failed, or a replica had died before it had noted the answer. */
  again: number;
}

/**
 * Fault 36. Kills the replicas of channel in turn with SIGKILL, under load, while the webhook fails now and then. Each
 * message that sessions asked for arrives, is one delivery, and is told of as delivered once; and none that nobody asked for.
 */
export async function killChannel(
  rig: Rig,
  shop: HttpRecorder,
  options: { kills: number; everyMs: number; perSecond: number },
): Promise<Delivered> {
  const { cluster, servers, tenantId } = rig;
  await rig.setWebhook(`${shop.url}/parley`);
  const names = cluster.replicasOf('channel');
  const load = startLoad(rig, { perSecond: options.perSecond });
  for (let kill = 0; kill < options.kills; kill++) {
    const name = names[kill % names.length]!;
    await pass(options.everyMs);
    await cluster.kill(name);
    await cluster.restart(name);
  }
  await load.stop();

  const asked = await EventProbe.open('PARLEY_SESSION', tenantId, servers.nats.url);
  const told = await EventProbe.open('PARLEY_CHANNEL', tenantId, servers.nats.url);
  const effects = (probe: EventProbe, type: string): string[] => [
    // By their ids: an event may lie in the stream twice.
    ...new Map(
      probe.events
        .filter((event) => event.type === type)
        .map(({ id, data }) => [id, String(data['effect_id'])]),
    ).values(),
  ];
  try {
    const row = await eventually(async () => {
      const [counted] = await cluster.query<{
        asked: number;
        delivered: number;
        told: number;
        waiting: number;
      }>(
        'channel',
        `SELECT count(*)::int AS asked, count(*) FILTER (WHERE status = 'delivered')::int AS delivered,
           (SELECT count(*)::int FROM outbox_events WHERE tenant_id = $1) AS told,
           (SELECT count(*)::int FROM outbox WHERE published_at IS NULL) AS waiting
         FROM deliveries WHERE tenant_id = $1`,
        [tenantId],
      );
      const requested = effects(asked, 'message.requested').length;
      // The probe may be behind; that there is more than was asked for stays so.
      if (
        requested === 0 ||
        counted!.asked !== requested ||
        counted!.delivered < requested ||
        counted!.waiting > 0
      )
        throw new Error(`${requested} messages asked for, deliveries: ${JSON.stringify(counted)}`);
      return counted!;
    }, DELIVERED_WITHIN_MS);
    const requested = effects(asked, 'message.requested');
    const arrived = shop.requests.map(({ headers }) => String(headers['webhook-id']));
    const delivered = await eventually(() => {
      const found = effects(told, 'message.delivered');
      if (found.length < row.told) throw new Error(`${found.length} of ${row.told} are told of`);
      return found;
    });
    const violations = [
      ...missing('arrived', new Set(arrived), requested),
      ...missing('is told of as delivered', new Set(delivered), requested),
      // Sessions may have gone on asking meanwhile.
      ...strange([...arrived, ...delivered], new Set(effects(asked, 'message.requested'))),
      ...(delivered.length === new Set(delivered).size
        ? []
        : violation('fault 36', 'a delivery was told of twice')),
    ];
    return { violations, messages: requested.length, again: arrived.length - requested.length };
  } finally {
    await Promise.all([asked.close(), told.close()]);
  }
}

function missing(what: string, found: Set<string>, requested: string[]): Violation[] {
  return requested
    .filter((id) => !found.has(id))
    .flatMap((id) => violation('fault 36', `${id} was asked for, and never ${what}`));
}

function strange(found: string[], requested: Set<string>): Violation[] {
  return found
    .filter((id) => !requested.has(id))
    .flatMap((id) => violation('fault 36', `${id} was sent or told of, and nobody asked for it`));
}
