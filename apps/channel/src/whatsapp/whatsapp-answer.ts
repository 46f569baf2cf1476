import type { Answer } from '../outbound-http.ts';
import { retryAfterSeconds } from '../retry-after.ts';
import type { Failure, SendOutcome } from '../send-outcome.ts';

/** Codes of the Cloud API, as Meta documents them. What is not listed goes by the answer's status. */

/** Too much at once, of the app, the account, the number, or to this contact. */
const RATE_LIMITS = [4, 80_007, 130_429, 131_048, 131_056];
/** Something on Meta's side that passes. */
const TEMPORARY = [1, 2, 131_000, 131_016, 131_057, 133_004];
/** What is wrong is the account, the number or the token: people have to look, and the message may go later. */
const OF_CHANNEL = [0, 3, 10, 190, 368, 131_005, 131_031, 131_042, 131_045, 133_010];
/** Permissions. */
const isPermission = (code: number): boolean => code >= 200 && code <= 299;

const TEXTS: Record<number, string> = {
  100: 'WhatsApp refused a parameter of the message',
  190: 'WhatsApp refused the access token',
  130_429: 'Too many messages at once',
  131_026: 'The message cannot be delivered to this contact',
  131_047: 'More than 24 hours have passed since the contact wrote: only templates may be sent',
  131_056: 'Too many messages to this contact at once',
};

/** What comes of what the Cloud API answered. Its own words are left out: they may quote the message or the phone. */
export function readAnswer({ status, headers, body }: Answer): SendOutcome {
  const answer = parse(body);
  if (status >= 200 && status < 300) return { result: 'sent', providerMessageId: idOf(answer) };
  const { code } = answer.error ?? {};
  const after = retryAfterSeconds(headers['retry-after']);
  if (typeof code !== 'number') {
    const failure: Failure = { code: 'HTTP_STATUS', message: `WhatsApp answered with status ${status}` };
    // A status such as 301 or 404 without a word of Meta's is a wrong address, which people mend.
    return { result: 'retry', failure, ...after };
  }
  const failure: Failure = { code: `WHATSAPP_${code}`, message: textOf(code) };
  if (OF_CHANNEL.includes(code) || isPermission(code)) {
    return { result: 'retry', failure, channelError: failure, ...after };
  }
  const passes = status === 429 || status >= 500 || RATE_LIMITS.includes(code) || TEMPORARY.includes(code);
  return passes ? { result: 'retry', failure, ...after } : { result: 'failed', failure };
}

export function textOf(code: number): string {
  return TEXTS[code] ?? `WhatsApp refused the message with code ${code}`;
}

interface ApiAnswer {
  messages?: { id?: unknown }[];
  error?: { code?: unknown };
}

function parse(body: string): ApiAnswer {
  try {
    const answer = JSON.parse(body) as unknown;
    return typeof answer === 'object' && answer !== null ? answer : {};
  } catch {
    return {};
  }
}

/** Empty where there is none: the message was taken all the same. */
function idOf({ messages }: ApiAnswer): string {
  const id = Array.isArray(messages) ? messages[0]?.id : undefined;
  return typeof id === 'string' && id.length <= 255 ? id : '';
}
