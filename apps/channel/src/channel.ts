import { randomBytes } from 'node:crypto';
import { DomainError, invalidFields, type FieldProblem } from '@parley/errors';

/** A channel as its row has it, secrets and all. Never logged, never given out. */
export type Channel = { kind: 'webhook'; settings: Webhook } | { kind: 'whatsapp'; settings: WhatsApp };

export type ChannelKind = Channel['kind'];

export interface Webhook {
  url: string;
  /** whsec_ and base64. */
  secret: string;
  /** The secret before, which also signs until its time. */
  previous?: FormerSecret;
  /** Those before it that still sign, the newest first. Apart from it for replicas of the version that knew one. */
  earlier?: FormerSecret[];
}

export interface FormerSecret {
  secret: string;
  /** ISO 8601. */
  until: string;
}

export interface WhatsApp {
  phoneNumberId: string;
  accessToken: string;
  appSecret: string;
  verifyToken: string;
}

/** What a caller sets of a channel. */
export type ChannelSettings =
  { kind: 'webhook'; url: string; rotateSecret: boolean } | ({ kind: 'whatsapp' } & WhatsApp);

/** What is wrong with a channel as a whole. */
export interface ChannelError {
  code: string;
  message: string;
}

const SECRET_BYTES = 32;
/** How long receivers have to take a new secret over. */
const ROTATION_HOURS = 24;
/** Each makes every message's header longer. Beyond them the oldest is given up. */
const MAX_FORMER_SECRETS = 5;

/** A webhook with this address. Its secret is made when there is none, or another one is asked for. */
export function setWebhook(
  present: Webhook | undefined,
  { url, rotateSecret }: { url: string; rotateSecret: boolean },
  now: Date,
): { settings: Webhook; madeSecret: string } {
  if (present && !rotateSecret) return { settings: { ...present, url }, madeSecret: '' };
  const secret = `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
  if (!present) return { settings: { url, secret }, madeSecret: secret };
  const until = new Date(now.getTime() + ROTATION_HOURS * 3_600_000).toISOString();
  const earlier = formerSecrets(present, now).slice(0, MAX_FORMER_SECRETS - 1);
  const previous = { secret: present.secret, until };
  return { settings: { url, secret, previous, earlier }, madeSecret: secret };
}

/** What is left empty stays as it is. Fails with INVALID_FIELD for what is missing. */
export function setWhatsApp(present: WhatsApp | undefined, given: WhatsApp): WhatsApp {
  const settings: WhatsApp = {
    phoneNumberId: given.phoneNumberId,
    accessToken: given.accessToken || (present?.accessToken ?? ''),
    appSecret: given.appSecret || (present?.appSecret ?? ''),
    verifyToken: given.verifyToken || (present?.verifyToken ?? ''),
  };
  const missing: FieldProblem[] = [
    ['access_token', settings.accessToken],
    ['app_secret', settings.appSecret],
    ['verify_token', settings.verifyToken],
  ].flatMap(([field, value]) =>
    value === '' ? [{ field: `whatsapp.${field}`, description: 'is required' }] : [],
  );
  if (missing.length > 0) throw invalidFields(missing);
  return settings;
}

/** The secrets that sign now, the newest first. */
export function signingSecrets(webhook: Webhook, now: Date): string[] {
  return [webhook.secret, ...formerSecrets(webhook, now).map(({ secret }) => secret)];
}

function formerSecrets({ previous, earlier = [] }: Webhook, now: Date): FormerSecret[] {
  return [...(previous ? [previous] : []), ...earlier].filter(({ until }) => new Date(until) > now);
}

export function channelNotFound(): DomainError {
  return new DomainError('not_found', 'CHANNEL_NOT_FOUND', 'Channel not found');
}
