import type { ContactServiceClient } from '@parley/contracts/contact';
import { DomainError } from '@parley/errors';
import { call } from '@parley/grpc';
import type { LeasedDelivery } from './delivery-rows.ts';
import type { FailureCode, SendOutcome } from './send-outcome.ts';
import { sendWebhook } from './webhook/webhook-sender.ts';
import { sendWhatsApp } from './whatsapp/whatsapp-sender.ts';

export interface SenderOptions {
  contacts: ContactServiceClient;
  /** Whether webhooks may go to private networks and this machine. */
  allowPrivate: boolean;
  whatsAppBaseUrl: string;
}

const failed = (code: FailureCode, message: string): SendOutcome => ({
  result: 'failed',
  failure: { code, message },
});

/** Makes one attempt to send a message: looks up the contact's phone, then asks the channel. */
export class MessageSender {
  private readonly options: SenderOptions;

  constructor(options: SenderOptions) {
    this.options = options;
  }

  /** signal: ends the attempt early, at the price of not knowing what came of it. */
  async send(delivery: LeasedDelivery, signal: AbortSignal): Promise<SendOutcome> {
    const { route } = delivery;
    if (!route) return failed('CHANNEL_NOT_SET', 'The tenant has no such channel');
    if (route.disabled) return failed('CHANNEL_DISABLED', 'The channel is disabled until it is set again');
    const phone = await this.phoneOf(delivery);
    if (typeof phone !== 'string') return phone;
    const { allowPrivate, whatsAppBaseUrl } = this.options;
    if (route.kind === 'webhook')
      return sendWebhook(delivery, route.settings, phone, { allowPrivate, signal });
    return sendWhatsApp(delivery, route.settings, phone, { baseUrl: whatsAppBaseUrl, signal });
  }

  private async phoneOf({ tenantId, contactId }: LeasedDelivery): Promise<string | SendOutcome> {
    const { contacts } = this.options;
    try {
      const { contact } = await call(contacts, contacts.getContact, {
        tenantId,
        lookup: { $case: 'id', value: contactId },
      });
      if (contact!.optedOutAt) return failed('CONTACT_OPTED_OUT', 'The contact has opted out');
      return contact!.phone;
    } catch (error) {
      if (error instanceof DomainError && error.kind === 'not_found') {
        return failed('CONTACT_NOT_FOUND', 'There is no such contact any more');
      }
      const message = 'The contact service did not answer';
      return { result: 'postponed', failure: { code: 'UNAVAILABLE', message } };
    }
  }
}
