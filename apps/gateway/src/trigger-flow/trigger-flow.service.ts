import { Injectable } from '@nestjs/common';
import { ContactServiceClient } from '@parley/contracts/contact';
import { FlowCatalogServiceClient, type PublishedFlow } from '@parley/contracts/flow-catalog';
import { SessionServiceClient, StartResult, type StartSessionResponse } from '@parley/contracts/session';
import { call, unwrap } from '@parley/grpc';
import type { TriggerFlow } from './trigger-flow.request.ts';

/** The answer's keys, in the answer's order. */
export interface Triggered {
  id: string;
  status: 'started' | 'already_running';
  flow_id: string;
  flow_name: string;
  contact_id: string;
}

/** Starts a flow for a contact: flow, contact, session, in this order, so that what is refused leaves nothing behind. */
@Injectable()
export class TriggerFlowService {
  private readonly flows: FlowCatalogServiceClient;
  private readonly contacts: ContactServiceClient;
  private readonly sessions: SessionServiceClient;

  constructor(
    flows: FlowCatalogServiceClient,
    contacts: ContactServiceClient,
    sessions: SessionServiceClient,
  ) {
    this.flows = flows;
    this.contacts = contacts;
    this.sessions = sessions;
  }

  async trigger(tenantId: string, request: TriggerFlow): Promise<Triggered> {
    const flow = await this.publishedFlow(tenantId, request.flow_id);
    const contactId = await this.contact(tenantId, request);
    const session = await this.start(tenantId, flow, contactId, request.context ?? '{}');
    return {
      id: session.sessionId,
      status: session.result === StartResult.STARTED ? 'started' : 'already_running',
      flow_id: flow.flowId,
      flow_name: flow.name,
      contact_id: contactId,
    };
  }

  private async publishedFlow(tenantId: string, flowId: string): Promise<PublishedFlow> {
    const requests = [{ tenantId, flowId }];
    const { outcomes } = await call(this.flows, this.flows.batchGetPublishedFlows, { requests });
    return unwrap(outcomes[0]!.outcome, 'flow');
  }

  private async contact(tenantId: string, request: TriggerFlow): Promise<string> {
    const { contact_id: id = '', phone = '' } = request;
    const requests = [{ tenantId, id, phone, source: 'api', refuseOptedOut: true }];
    const { outcomes } = await call(this.contacts, this.contacts.batchResolveContacts, { requests });
    return unwrap(outcomes[0]!.outcome, 'resolved').contact!.id;
  }

  private async start(
    tenantId: string,
    flow: PublishedFlow,
    contactId: string,
    context: string,
  ): Promise<StartSessionResponse> {
    const requests = [{ tenantId, flowId: flow.flowId, flowVersion: flow.version, contactId, context }];
    const { outcomes } = await call(this.sessions, this.sessions.batchStartSessions, { requests });
    return unwrap(outcomes[0]!.outcome, 'session');
  }
}
