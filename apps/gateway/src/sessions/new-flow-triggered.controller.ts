import { Controller, Get, Query } from '@nestjs/common';
import { ContactServiceClient, ContactView, type Contact } from '@parley/contracts/contact';
import { SessionServiceClient, type Session } from '@parley/contracts/session';
import { call } from '@parley/grpc';
import { Access, CurrentCaller } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { newFlowTriggeredQuery, type NewFlowTriggeredQuery } from './session.requests.ts';
import { toTriggeredView } from './session.views.ts';

const MAX_SESSIONS = 100;

@Controller('triggers')
export class NewFlowTriggeredController {
  private readonly sessions: SessionServiceClient;
  private readonly contacts: ContactServiceClient;

  constructor(sessions: SessionServiceClient, contacts: ContactServiceClient) {
    this.sessions = sessions;
    this.contacts = contacts;
  }

  /** The newest sessions, of one flow or of all, with their contacts: for callers that poll. */
  @Get('new-flow-triggered')
  @Access('sessions:read')
  async newFlowTriggered(
    @CurrentCaller() { tenantId }: Caller,
    @Query({ schema: newFlowTriggeredQuery }) query: NewFlowTriggeredQuery,
  ): Promise<object[]> {
    const { sessions } = await call(this.sessions, this.sessions.listSessions, {
      tenantId,
      flowId: query.flow_id ?? '',
      contactId: '',
      statuses: [],
      pageSize: MAX_SESSIONS,
      pageToken: '',
    });
    const contacts = await this.contactsOf(tenantId, sessions);
    return sessions.map((session) => toTriggeredView(session, contacts.get(session.contactId)));
  }

  private async contactsOf(tenantId: string, sessions: Session[]): Promise<Map<string, Contact>> {
    const ids = new Set(sessions.map((session) => session.contactId));
    if (ids.size === 0) return new Map();
    const requests = [...ids].map((id) => ({
      tenantId,
      id,
      phone: '',
      source: '',
      refuseOptedOut: false,
      validateOnly: false,
    }));
    const { outcomes } = await call(this.contacts, this.contacts.batchResolveContacts, {
      requests,
      view: ContactView.FULL,
    });
    const found = outcomes.flatMap(({ outcome }) =>
      outcome?.$case === 'resolved' ? [outcome.value.contact!] : [],
    );
    return new Map(found.map((contact) => [contact.id, contact]));
  }
}
