import type { Client, MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { ChannelServiceService } from '@parley/contracts/channel';
import { ContactServiceService } from '@parley/contracts/contact';
import { FlowCatalogServiceService } from '@parley/contracts/flow-catalog';
import { SessionServiceService } from '@parley/contracts/session';
import type { Cluster, Name } from '../cluster.ts';
import { rawClient } from './raw-grpc.ts';

/** Each service and what it offers; whatever is added to a service is in here by itself. */
const SERVICES: [Name, ServiceDefinition][] = [
  ['contact', ContactServiceService],
  ['flow-catalog', FlowCatalogServiceService],
  ['session', SessionServiceService],
  ['channel', ChannelServiceService],
];

export interface Rpc {
  /** The process that serves it. */
  app: Name;
  /** ContactService/GetContact */
  name: string;
  /** /parley.contact.v1.ContactService/GetContact */
  path: string;
  definition: MethodDefinition<unknown, unknown>;
}

/** Every RPC of every service that answers once; of the one that goes on answering, conversation.spec.ts of session asks. */
export const RPCS: Rpc[] = SERVICES.flatMap(([app, service]) =>
  Object.values(service)
    .filter(({ responseStream }: MethodDefinition<unknown, unknown>) => !responseStream)
    .map((definition: MethodDefinition<unknown, unknown>) => ({
      app,
      name: definition.path.slice(definition.path.lastIndexOf('.') + 1),
      path: definition.path,
      definition,
    })),
);

/** A connection to each service of a cluster. */
export function rawClients(cluster: Cluster): Map<Name, Client> {
  return new Map(SERVICES.map(([app]) => [app, rawClient(cluster.addressOf(app))]));
}
