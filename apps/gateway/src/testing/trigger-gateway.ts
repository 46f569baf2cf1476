import { connect, type Socket } from 'node:net';
import { FakeContactService } from './fake-contact-service.ts';
import { FakeFlowCatalog } from './fake-flow-catalog.ts';
import { GatewayApp } from './gateway-app.ts';

/** A gateway with a flow catalog and a contact service that are stand-ins, a token, and connections that a test writes to. */
export class TriggerGateway {
  readonly catalog: FakeFlowCatalog;
  readonly contacts: FakeContactService;
  readonly token: string;
  private readonly app: GatewayApp;

  private constructor(
    catalog: FakeFlowCatalog,
    contacts: FakeContactService,
    app: GatewayApp,
    token: string,
  ) {
    this.catalog = catalog;
    this.contacts = contacts;
    this.app = app;
    this.token = token;
  }

  static async start(): Promise<TriggerGateway> {
    const [catalog, contacts] = await Promise.all([FakeFlowCatalog.start(), FakeContactService.start()]);
    const addresses = { FLOW_CATALOG_ADDRESS: catalog.address, CONTACT_ADDRESS: contacts.address };
    const app = await GatewayApp.start(() => addresses);
    const { token } = await app.createToken();
    return new TriggerGateway(catalog, contacts, app, token);
  }

  connect(): Socket {
    return connect(Number(new URL(`http://${this.app.gateway.address}`).port), '127.0.0.1');
  }

  async close(): Promise<void> {
    await this.app.close();
    this.catalog.stop();
    this.contacts.stop();
  }
}
