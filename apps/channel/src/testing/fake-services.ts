import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import {
  ContactServiceService,
  type Contact,
  type GetContactRequest,
  type GetContactResponse,
} from '@parley/contracts/contact';
import {
  ReplyResult,
  SessionServiceService,
  type SubmitReplyRequest,
  type SubmitReplyResponse,
} from '@parley/contracts/session';
import { DomainError, unavailable } from '@parley/errors';
import { toServiceError } from '@parley/grpc';
import { v7 as uuidv7 } from 'uuid';

/** Stands in for contact and session, which other teams own: it knows the contacts it was told of, and records replies. */
export class FakeServices {
  readonly replies: SubmitReplyRequest[] = [];
  /** While set, every call fails as if the service were away. */
  isAway = false;
  /** What the next replies are answered with. */
  result = ReplyResult.ACCEPTED;
  address = '';
  private readonly contacts: Contact[] = [];
  private readonly server = new Server();

  async listen(): Promise<void> {
    this.server.addService(ContactServiceService, {
      getContact: (
        { request }: ServerUnaryCall<GetContactRequest, GetContactResponse>,
        reply: sendUnaryData<GetContactResponse>,
      ) => {
        if (this.isAway) return reply(toServiceError(unavailable('away'), 'parley.contact.v1'));
        const { tenantId, lookup } = request;
        const contact = this.contacts.find(
          (one) => one.tenantId === tenantId && (one.id === lookup?.value || one.phone === lookup?.value),
        );
        if (contact) return reply(null, { contact });
        const missing = new DomainError('not_found', 'CONTACT_NOT_FOUND', 'Contact not found');
        reply(toServiceError(missing, 'parley.contact.v1'));
      },
    });
    this.server.addService(SessionServiceService, {
      submitReply: (
        { request }: ServerUnaryCall<SubmitReplyRequest, SubmitReplyResponse>,
        reply: sendUnaryData<SubmitReplyResponse>,
      ) => {
        if (this.isAway) return reply(toServiceError(unavailable('away'), 'parley.session.v1'));
        const replayed = this.replies.some(({ messageId }) => messageId === request.messageId);
        this.replies.push(request);
        reply(null, { result: this.result, session: undefined, replayed });
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    this.address = `127.0.0.1:${port}`;
  }

  addContact(tenantId: string, phone: string, change: Partial<Contact> = {}): string {
    const id = uuidv7();
    const now = new Date();
    this.contacts.push({
      ...{ tenantId, id, phone, name: '', email: '', locale: '', tags: [], metadata: '{}', source: 'api' },
      ...{ optedInAt: now, optedOutAt: undefined, createdAt: now, updatedAt: now },
      ...change,
    });
    return id;
  }

  close(): void {
    this.server.forceShutdown();
  }
}
