import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventStream, type OutgoingEvent } from '@parley/events';
import { Logger } from '@parley/service';
import { eventually, freePort, NATS_URL } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { FakeContactService } from '../testing/fake-contact-service.ts';
import { FakeFlowCatalog } from '../testing/fake-flow-catalog.ts';
import { GatewayApp } from '../testing/gateway-app.ts';

/** What a trigger is answered once its flow was found: the fake knows no contacts. */
const FOUND = 500;

let catalog: FakeFlowCatalog;
let contacts: FakeContactService;

beforeAll(async () => {
  catalog = await FakeFlowCatalog.start();
  contacts = await FakeContactService.start();
});
afterAll(() => {
  catalog.stop();
  contacts.stop();
});

const settings = (natsUrl: string) => ({
  NATS_URL: natsUrl,
  FLOW_CATALOG_ADDRESS: catalog.address,
  CONTACT_ADDRESS: contacts.address,
});

async function startTwo(natsUrl: string) {
  const app = await GatewayApp.start(() => settings(natsUrl));
  await app.addReplica(settings(natsUrl));
  const { token, tenant_id: tenantId } = await app.createToken();
  const flowId = uuidv7();
  const body = { flow_id: flowId, phone: '+14155550123' };
  const triggerBoth = () =>
    Promise.all(
      [0, 1].map(async (replica) => {
        const options = { token, body, replica };
        return (await app.request('POST', '/api/v1/actions/trigger-flow', options)).status;
      }),
    );
  return { app, tenantId, flowId, triggerBoth };
}

describe('a flow that another gateway unpublished', () => {
  it('starts nowhere any more as soon as its event is there', async () => {
    const stream = new EventStream({
      url: process.env[NATS_URL]!,
      name: 'PARLEY_FLOW',
      subjects: ['flow.>'],
      source: '/parley/flow-catalog',
      logger: new Logger('spec', 'silent'),
    });
    const { app, tenantId, flowId, triggerBoth } = await startTwo(process.env[NATS_URL]!);
    const tell = async (type: string): Promise<void> => {
      const event: OutgoingEvent = {
        id: uuidv7(),
        tenantId,
        type,
        subject: flowId,
        sequence: 1,
        time: new Date(),
        data: '{}',
      };
      await eventually(() => stream.publish(event));
    };
    // Both listen once both have heard one.
    catalog.published = true;
    await triggerBoth();
    catalog.published = false;
    await eventually(async () => {
      await tell('flow.unpublished');
      expect(await triggerBoth()).toEqual([404, 404]);
    });

    // How old the answers were that were dropped. A slow machine may spoil some rounds, which then show nothing.
    const ages: number[] = [];
    for (let round = 0; round < 5; round++) {
      catalog.published = true;
      await tell('flow.published');
      const asked = performance.now();
      await eventually(async () => expect(await triggerBoth()).toEqual([FOUND, FOUND]));
      catalog.published = false;
      await tell('flow.unpublished');
      await eventually(async () => expect(await triggerBoth()).toEqual([404, 404]));
      ages.push(performance.now() - asked);
    }
    expect(Math.min(...ages)).toBeLessThan(900);
    await app.close();
    stream.close();
  });

  it('starts nowhere after a second, when NATS is away', async () => {
    const { app, triggerBoth } = await startTwo(`nats://127.0.0.1:${await freePort()}`);
    catalog.published = true;
    expect(await triggerBoth()).toEqual([FOUND, FOUND]);
    catalog.published = false;
    const unpublished = performance.now();
    let lastFound = unpublished;
    await eventually(async () => {
      const sent = performance.now();
      const answers = await triggerBoth();
      if (answers.includes(FOUND)) lastFound = sent;
      expect(answers).toEqual([404, 404]);
    });
    expect(lastFound - unpublished).toBeLessThanOrEqual(1_000);
    // Without an event it is the age that ends it.
    expect(lastFound).toBeGreaterThan(unpublished);
    await app.close();
  });
});
