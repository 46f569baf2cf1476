import { randomUUID } from 'node:crypto';
import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ContactServiceClient } from '@parley/contracts/contact';
import { SessionServiceClient, type SubmitReplyRequest } from '@parley/contracts/session';
import { DomainError } from '@parley/errors';
import { call } from '@parley/grpc';
import { Access, CurrentCaller } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { idInPath } from '../fields.ts';
import { receiveMessageBody, replyBody, type ReceiveMessageBody, type ReplyBody } from './reply.requests.ts';
import { toReplyView, type ReplyView } from './session.views.ts';

/** What contacts say, for their sessions. */
@Controller()
export class RepliesController {
  private readonly sessions: SessionServiceClient;
  private readonly contacts: ContactServiceClient;

  constructor(sessions: SessionServiceClient, contacts: ContactServiceClient) {
    this.sessions = sessions;
    this.contacts = contacts;
  }

  /** {"text": "Yes"} or {"payload": "…"}, for one session. */
  @Post('sessions/:id/replies')
  @HttpCode(200)
  @Access('sessions:write')
  async reply(
    @CurrentCaller() { tenantId }: Caller,
    @Param('id') id: string,
    @Body({ schema: replyBody }) body: ReplyBody,
  ): Promise<ReplyView> {
    const sessionId = idInPath(id, 'SESSION_NOT_FOUND');
    return this.submit({ ...toReply(body), tenantId, sessionId, waitId: body.wait_id });
  }

  /**
   * {"phone": "+14155550123", "text": "Yes"}: for whichever session of the contact waits for it. No contact is made of a
   * phone that is not known: it has no session.
   */
  @Post('actions/receive-message')
  @HttpCode(200)
  @Access('sessions:write')
  async receive(
    @CurrentCaller() { tenantId }: Caller,
    @Body({ schema: receiveMessageBody }) body: ReceiveMessageBody,
  ): Promise<ReplyView> {
    const contactId = body.contact_id ?? (await this.contactOf(tenantId, body.phone!));
    if (contactId === undefined) return { result: 'no_session', replayed: false, session: null };
    return this.submit({ ...toReply(body), tenantId, contactId });
  }

  /** A call is repeated when its answer is lost. A reply without an id gets one, or the repeated one would answer the next question. */
  private async submit(request: SubmitReplyRequest): Promise<ReplyView> {
    const messageId = request.messageId || randomUUID();
    const response = await call(this.sessions, this.sessions.submitReply, { ...request, messageId });
    const replayed = response.replayed && request.messageId !== '';
    return toReplyView({ ...response, replayed });
  }

  private async contactOf(tenantId: string, phone: string): Promise<string | undefined> {
    try {
      const lookup = { $case: 'phone' as const, value: phone };
      const { contact } = await call(this.contacts, this.contacts.getContact, { tenantId, lookup });
      return contact!.id;
    } catch (error) {
      if (error instanceof DomainError && error.reason === 'CONTACT_NOT_FOUND') return undefined;
      throw error;
    }
  }
}

function toReply({ text, payload, message_id: messageId }: Omit<ReplyBody, 'wait_id'>): SubmitReplyRequest {
  return { tenantId: '', sessionId: '', contactId: '', waitId: 0, text, payload, messageId };
}
