import type { ContactServiceClient } from '@parley/contracts/contact';
import { ReplyResult, type SessionServiceClient } from '@parley/contracts/session';
import { DomainError } from '@parley/errors';
import type { Outbox } from '@parley/events';
import { call, uuid } from '@parley/grpc';
import type { Database } from '@parley/postgres';
import type { Metrics } from '@parley/service';
import { findChannel } from '../channel-rows.ts';
import type { WhatsApp } from '../channel.ts';
import { noteDelivered, noteFailed, noteSent } from './delivery-status.ts';
import { readNotification, type InboundMessage, type InboundStatus } from './notification.ts';
import { readReference } from './reference.ts';
import { phonesOf } from './sender-phones.ts';
import { isSame, isSigned } from './request-signature.ts';
import { textOf } from './whatsapp-answer.ts';

/** Status and text of an answer over HTTP. */
export interface InboundAnswer {
  status: number;
  body: string;
}

export interface InboundParts {
  database: Database;
  outbox: Outbox;
  contacts: ContactServiceClient;
  sessions: SessionServiceClient;
  metrics: Metrics;
}

/** accepted: a session took it. unknown_contact, no_session: nobody waits for it. unsupported: of no use to a flow. */
type Outcome =
  'accepted' | 'invalid' | 'ignored' | 'no_session' | 'unknown_contact' | 'refused' | 'unsupported';

/** For how long the session service knows a message's id. */
const REMEMBERED_MS = 24 * 3_600_000;
const OUTCOMES: Partial<Record<ReplyResult, Outcome>> = {
  [ReplyResult.ACCEPTED]: 'accepted',
  [ReplyResult.INVALID]: 'invalid',
  [ReplyResult.IGNORED]: 'ignored',
  [ReplyResult.NO_SESSION]: 'no_session',
};

const NOT_FOUND: InboundAnswer = { status: 404, body: 'Not found' };
const BAD_SIGNATURE: InboundAnswer = { status: 401, body: 'Bad signature' };

/**
 * What Meta sends: its question whether the address is ours, and notifications of what contacts wrote and of what became
 * of our messages. Meta repeats a notification until it is answered with 200, so each part of it may come twice.
 */
export class WhatsAppInbound {
  private readonly parts: InboundParts;
  private readonly count: (outcome: Outcome, items?: number) => void;

  constructor(parts: InboundParts) {
    this.parts = parts;
    const counter = parts.metrics.counter(
      'parley_inbound_messages_total',
      'Messages of contacts that came in, by channel and what came of them',
      ['channel', 'outcome'],
    );
    this.count = (outcome, items = 1) => counter.inc({ channel: 'whatsapp', outcome }, items);
  }

  /** GET: proves with the verify token that the address is the tenant's. */
  async verify(tenantId: string, query: URLSearchParams): Promise<InboundAnswer> {
    const settings = await this.settingsOf(tenantId);
    if (!settings) return NOT_FOUND;
    const isRight = isSame(query.get('hub.verify_token') ?? '', settings.verifyToken);
    if (query.get('hub.mode') !== 'subscribe' || !isRight) return { status: 403, body: 'Forbidden' };
    return { status: 200, body: query.get('hub.challenge') ?? '' };
  }

  /**
   * POST. Fails with UNAVAILABLE: then it is to come again. read: the body, undefined where it is too large; not asked for what
   * nobody is to get, so that only somebody who knows a tenant takes memory.
   */
  async receive(
    tenantId: string,
    signature: string,
    read: () => Promise<Buffer | undefined>,
  ): Promise<InboundAnswer> {
    const settings = await this.settingsOf(tenantId);
    if (!settings) return NOT_FOUND;
    if (signature === '') return BAD_SIGNATURE;
    const body = await read();
    if (!body) return { status: 413, body: 'Too large' };
    if (!isSigned(body, signature, settings.appSecret)) return BAD_SIGNATURE;
    const notification = readNotification(parseJson(body), settings.phoneNumberId);
    if (!notification) return { status: 400, body: 'Not a notification' };
    if (notification.ignored > 0) this.count('unsupported', notification.ignored);
    for (const status of notification.statuses) await this.noteStatus(tenantId, status);
    // In order: the second message may answer what the first one led to.
    for (const message of notification.messages) this.count(await this.reply(tenantId, message));
    return { status: 200, body: 'OK' };
  }

  private async settingsOf(tenantId: string): Promise<WhatsApp | undefined> {
    const { data: id } = uuid.safeParse(tenantId);
    if (id === undefined) return undefined;
    return (await findChannel(this.parts.database, id, 'whatsapp'))?.settings;
  }

  private async reply(
    tenantId: string,
    { id, from, text, payload, timestamp }: InboundMessage,
  ): Promise<Outcome> {
    const { sessions } = this.parts;
    // Whether it was taken before is no longer known: a notification stays signed for ever.
    if (timestamp && timestamp.getTime() < Date.now() - REMEMBERED_MS) return 'ignored';
    try {
      const contactId = await this.contactOf(tenantId, from);
      if (contactId === undefined) return 'unknown_contact';
      const { result } = await call(sessions, sessions.submitReply, {
        tenantId,
        sessionId: '',
        contactId,
        text,
        payload,
        waitId: 0,
        messageId: id,
      });
      return OUTCOMES[result] ?? 'ignored';
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      // Sent again it would be refused again.
      if (error.kind === 'not_found') return 'unknown_contact';
      if (error.kind === 'invalid_argument' || error.kind === 'failed_precondition') return 'refused';
      throw error;
    }
  }

  private async contactOf(tenantId: string, from: string): Promise<string | undefined> {
    const { contacts } = this.parts;
    for (const value of phonesOf(from)) {
      try {
        const lookup = { $case: 'phone' as const, value };
        return (await call(contacts, contacts.getContact, { tenantId, lookup })).contact!.id;
      } catch (error) {
        if (!(error instanceof DomainError) || error.kind !== 'not_found') throw error;
      }
    }
    return undefined;
  }

  private async noteStatus(
    tenantId: string,
    { id, status, reference, errorCode }: InboundStatus,
  ): Promise<void> {
    const { database, outbox } = this.parts;
    const message = { tenantId, providerMessageId: id, attempt: readReference(reference) };
    if (status === 'sent') await noteSent(database, message);
    // A contact who reads receipts off sends no more than delivered, and a read one was delivered.
    if (status === 'delivered' || status === 'read') await noteDelivered(outbox, message);
    if (status === 'failed') {
      const code = errorCode ?? 0;
      await noteFailed(outbox, message, { code: `WHATSAPP_${code}`, message: textOf(code) });
    }
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
