import type { Provider } from '@nestjs/common';
import { ChannelServiceClient } from '@parley/contracts/channel';
import { ContactServiceClient } from '@parley/contracts/contact';
import { FlowCatalogServiceClient } from '@parley/contracts/flow-catalog';
import { SessionServiceClient } from '@parley/contracts/session';
import { connect, type Tls } from '@parley/grpc';
import type { GatewayConfig } from './config.ts';

/** The services the gateway composes. */
export interface Clients {
  contacts: ContactServiceClient;
  flows: FlowCatalogServiceClient;
  sessions: SessionServiceClient;
  channels: ChannelServiceClient;
}

/** With TLS, each asks its server for the name of its service. */
export function connectClients(config: GatewayConfig, tls: Tls | undefined): Clients {
  const { CONTACT_ADDRESS, FLOW_CATALOG_ADDRESS, SESSION_ADDRESS, CHANNEL_ADDRESS } = config;
  return {
    contacts: connect(ContactServiceClient, CONTACT_ADDRESS, tls?.clientOf(config.CONTACT_TLS_NAME)),
    flows: connect(
      FlowCatalogServiceClient,
      FLOW_CATALOG_ADDRESS,
      tls?.clientOf(config.FLOW_CATALOG_TLS_NAME),
    ),
    sessions: connect(SessionServiceClient, SESSION_ADDRESS, tls?.clientOf(config.SESSION_TLS_NAME)),
    channels: connect(ChannelServiceClient, CHANNEL_ADDRESS, tls?.clientOf(config.CHANNEL_TLS_NAME)),
  };
}

export function closeClients(clients: Clients): void {
  clients.contacts.close();
  clients.flows.close();
  clients.sessions.close();
  clients.channels.close();
}

/** Each client under its class. */
export function clientProviders(clients: Clients): Provider[] {
  return [
    { provide: ContactServiceClient, useValue: clients.contacts },
    { provide: FlowCatalogServiceClient, useValue: clients.flows },
    { provide: SessionServiceClient, useValue: clients.sessions },
    { provide: ChannelServiceClient, useValue: clients.channels },
  ];
}
