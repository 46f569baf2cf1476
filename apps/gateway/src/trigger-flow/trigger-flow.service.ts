import { Injectable } from '@nestjs/common';
import { ConflictPolicy, StartResult } from '@parley/contracts/session';
import { BatchedCalls } from './batched-calls.ts';
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
  private readonly calls: BatchedCalls;

  constructor(calls: BatchedCalls) {
    this.calls = calls;
  }

  async trigger(tenantId: string, request: TriggerFlow): Promise<Triggered> {
    const { flow_id: flowId, contact_id: id = '', phone = '', context = '{}' } = request;
    const flow = await this.calls.publishedFlow({ tenantId, flowId });
    const { contact } = await this.calls.resolveContact({
      tenantId,
      id,
      phone,
      source: 'api',
      refuseOptedOut: true,
      validateOnly: false,
    });
    const contactId = contact!.id;
    const session = await this.calls.startSession({
      tenantId,
      flowId,
      flowVersion: flow.version,
      contactId,
      context,
      requestId: '',
      requestFingerprint: Buffer.alloc(0),
      conflictPolicy: ConflictPolicy.RETURN_RUNNING,
      validateOnly: false,
    });
    return {
      id: session.sessionId,
      status: session.result === StartResult.STARTED ? 'started' : 'already_running',
      flow_id: flow.flowId,
      flow_name: flow.name,
      contact_id: contactId,
    };
  }
}
