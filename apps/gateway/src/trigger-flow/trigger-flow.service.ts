import { Injectable } from '@nestjs/common';
import {
  ConflictPolicy,
  StartResult,
  type ContactFacts,
  type StartSessionRequest,
  type StartSessionResponse,
} from '@parley/contracts/session';
import { DomainError } from '@parley/errors';
import { ContactView, type Contact } from '@parley/contracts/contact';
import { BatchedCalls } from './batched-calls.ts';
import { fingerprintOf, type TriggerFlow } from './trigger-flow.request.ts';

/** The answer's keys, in the answer's order. */
export interface Triggered {
  id: string;
  status: 'started' | 'already_running';
  flow_id: string;
  flow_name: string;
  contact_id: string;
}

/** What a trigger did, or would do. */
export interface TriggerOutcome {
  session: StartSessionResponse;
  /** Unset for a repeated request, which is answered before flow and contact are looked at. */
  made?: {
    /** Whether the contact is new. One that would be created has no id yet. */
    contactCreated: boolean;
    contactId: string;
    flowVersion: number;
  };
}

/** Starts a flow for a contact: flow, contact, session, in this order, so that what is refused leaves nothing behind. */
@Injectable()
export class TriggerFlowService {
  private readonly calls: BatchedCalls;

  constructor(calls: BatchedCalls) {
    this.calls = calls;
  }

  /** With a key, the same request is answered the same for 24 h (P9). A dry run answers what would happen. */
  async trigger(tenantId: string, request: TriggerFlow, key = ''): Promise<TriggerOutcome> {
    const validateOnly = request.dry_run === true;
    const requestFingerprint = key === '' ? NO_FINGERPRINT : fingerprintOf(request);
    if (key !== '') {
      const earlier = await this.findEarlier({ tenantId, requestId: key, requestFingerprint });
      if (earlier) return { session: earlier };
    }

    const { flow_id: flowId, contact_id: id = '', phone = '', context = '{}' } = request;
    const flow = await this.calls.publishedFlow({ tenantId, flowId });
    const { contact, created: contactCreated } = await this.calls.resolveContact(
      { tenantId, id, phone, source: 'api', refuseOptedOut: true, validateOnly },
      flow.readsContact ? ContactView.FULL : ContactView.BASIC,
    );
    const contactId = contact!.id;
    const made = { contactCreated, contactId, flowVersion: flow.version };
    // Nobody has a session before there is a contact.
    if (contactId === '') return { session: unstarted(flow), made };
    const session = await this.calls.startSession({
      tenantId,
      flowId,
      flowVersion: flow.version,
      contactId,
      context,
      requestId: key,
      requestFingerprint,
      conflictPolicy: ConflictPolicy.RETURN_RUNNING,
      validateOnly,
      contact: flow.readsContact ? factsOf(contact!) : undefined,
    });
    return { session, made };
  }

  private async findEarlier(
    request: Pick<StartSessionRequest, 'tenantId' | 'requestId' | 'requestFingerprint'>,
  ): Promise<StartSessionResponse | undefined> {
    try {
      return await this.calls.earlierStart(request);
    } catch (error) {
      if (error instanceof DomainError && error.reason === 'REQUEST_ID_UNKNOWN') return undefined;
      throw error;
    }
  }
}

/** The body of a trigger's answer. */
export function toTriggered(session: StartSessionResponse): Triggered {
  return {
    id: session.sessionId,
    status: session.result === StartResult.STARTED ? 'started' : 'already_running',
    flow_id: session.flowId,
    flow_name: session.flowName,
    contact_id: session.contactId,
  };
}

/** What the flow reads of its contact. */
function factsOf({ phone, name, email, tags, metadata }: Contact): ContactFacts {
  return { phone, name, email, tags, metadata };
}

const NO_FINGERPRINT = Buffer.alloc(0);

function unstarted(flow: { flowId: string; name: string; version: number }): StartSessionResponse {
  return {
    result: StartResult.STARTED,
    sessionId: '',
    flowId: flow.flowId,
    flowName: flow.name,
    flowVersion: flow.version,
    contactId: '',
    expiresAt: undefined,
    replayed: false,
  };
}
