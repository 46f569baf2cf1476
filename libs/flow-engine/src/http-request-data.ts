import { z } from 'zod';
import { contextName, dictionary, templateText } from './data-fields.ts';
import { isPublicHost } from './public-host.ts';
import { MAX_RENDERED } from './render.ts';

/** Set by the engine or by the connection. */
const OWN_HEADERS = ['connection', 'content-length', 'host', 'idempotency-key', 'transfer-encoding'];

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, { error: 'must be the name of a header' })
  .refine((name) => !OWN_HEADERS.includes(name.toLowerCase()), {
    error: `must not be ${OWN_HEADERS.join(', ')}: those are set by the engine`,
  });

const headerValue = templateText(1024).refine((value) => !/\p{Cc}/u.test(value), {
  error: 'must not hold control characters',
});

/** Scheme and host, up to the path; the host is no template, so that no value decides where a request goes. */
const ORIGIN = /^https?:\/\/[^\s/?#@\\{}]+(?=[/?#]|$)/i;

const url = templateText(2048).superRefine((text, context) => {
  const origin = ORIGIN.exec(text)?.[0] ?? '';
  if (!URL.canParse(origin)) {
    context.addIssue('must start with http:// or https:// and a host that is no template');
  } else if (!isPublicHost(new URL(origin))) {
    context.addIssue('must lead to a host on the internet, not to this machine or a private network');
  }
});

/** Data of an HTTP request. */
export const httpRequestData = z
  .object({
    method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
    url,
    headers: dictionary(headerName, headerValue, 32).optional(),
    /** No longer than what can be rendered. */
    body: templateText(MAX_RENDERED).optional(),
    /** Until the answer is complete, in milliseconds. */
    timeout_ms: z.int().min(100).max(30_000).default(10_000),
    save_as: contextName.optional(),
  })
  .refine(({ method, body }) => method !== 'GET' || body === undefined, {
    path: ['body'],
    error: 'must not be there for a GET',
  });
