import type { Provider } from '@nestjs/common';
import { ContactServiceClient } from '@parley/contracts/contact';
import { FlowCatalogServiceClient } from '@parley/contracts/flow-catalog';
import { SessionServiceClient } from '@parley/contracts/session';
import { connect } from '@parley/grpc';
import type { GatewayConfig } from './config.ts';

/** The three services the gateway composes. */
export interface Clients {
  contacts: ContactServiceClient;
  flows: FlowCatalogServiceClient;
  sessions: SessionServiceClient;
}

export function connectClients(config: GatewayConfig): Clients {
  return {
    contacts: connect(ContactServiceClient, config.CONTACT_ADDRESS),
    flows: connect(FlowCatalogServiceClient, config.FLOW_CATALOG_ADDRESS),
    sessions: connect(SessionServiceClient, config.SESSION_ADDRESS),
  };
}

export function closeClients(clients: Clients): void {
  clients.contacts.close();
  clients.flows.close();
  clients.sessions.close();
}

/** Each client under its class. */
export function clientProviders(clients: Clients): Provider[] {
  return [
    { provide: ContactServiceClient, useValue: clients.contacts },
    { provide: FlowCatalogServiceClient, useValue: clients.flows },
    { provide: SessionServiceClient, useValue: clients.sessions },
  ];
}
