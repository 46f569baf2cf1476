import { Consent, ContactView, type GetContactRequest } from '@parley/contracts/contact';
import { batchRequest, pageSize, shortList, uuid } from '@parley/grpc';
import { checkJsonText, CONTEXT_LIMITS } from '@parley/json-limits';
import { z } from 'zod';

/** Texts hold no NUL: Postgres cannot store one. */
const text = (max: number) =>
  z
    .string()
    .max(max, `must not be longer than ${max} characters`)
    .refine((value) => !value.includes('\0'), 'must not contain NUL characters');

const email = text(254).refine(
  (value) => value === '' || z.email().safeParse(value).success,
  'must be a valid email address',
);
const locale = text(35).refine(
  (value) => value === '' || isLanguageTag(value),
  'must be a BCP 47 language tag',
);
const tag = text(64).min(1, 'must not be empty');

const metadata = z.string().superRefine((value, context) => {
  const checked = checkJsonText(value, CONTEXT_LIMITS);
  if ('problem' in checked) context.addIssue(checked.problem);
});

export const tagList = shortList(1_000).pipe(z.array(tag));

const fields = z.object({
  name: text(255).optional(),
  email: email.optional(),
  locale: locale.optional(),
  tags: z.object({ tags: tagList }).optional(),
  metadata: metadata.optional(),
  addTags: tagList,
  removeTags: tagList,
});

const noFields = { addTags: [], removeTags: [] };

/** Takes the oneof apart, so that what is wrong is said of id, phone or email. */
export const getContactRequest = z.preprocess(
  (request: GetContactRequest) => {
    const { tenantId, lookup } = request;
    return { tenantId, ...(lookup && { [lookup.$case]: lookup.value }) };
  },
  z
    .object({
      tenantId: uuid,
      id: uuid.optional(),
      phone: z.string().optional(),
      email: text(254).min(1, 'must not be empty').optional(),
    })
    .refine(({ id, phone, email }) => (id ?? phone ?? email) !== undefined, {
      path: ['lookup'],
      message: 'one of id, phone and email is required',
    }),
);

export const upsertContactRequest = z.object({
  tenantId: uuid,
  phone: z.string(),
  fields: fields.default(noFields),
  source: text(64),
});

export const updateContactRequest = z.object({
  tenantId: uuid,
  id: uuid,
  fields: fields.default(noFields),
  phone: z.string().optional(),
});

export const searchContactsRequest = z.object({
  tenantId: uuid,
  query: text(255),
  tag: text(64),
  email: text(254),
  pageSize,
  pageToken: z.string().max(1_000),
});

export const setConsentRequest = z.object({
  tenantId: uuid,
  id: uuid,
  consent: z.enum([Consent.OPTED_IN, Consent.OPTED_OUT], 'must be CONSENT_OPTED_IN or CONSENT_OPTED_OUT'),
});

const VIEWS = {
  [ContactView.UNSPECIFIED]: 'full',
  [ContactView.FULL]: 'full',
  [ContactView.BASIC]: 'basic',
} as const;
const views = [ContactView.UNSPECIFIED, ContactView.FULL, ContactView.BASIC] as const;

/** One item of a batch; the batch checks each by itself, so that a bad one fails alone. */
export const resolveContactRequest = z
  .object({
    tenantId: uuid,
    id: z.union([z.literal(''), uuid], 'must be a UUID'),
    phone: z.string(),
    source: text(64),
    refuseOptedOut: z.boolean(),
    validateOnly: z.boolean(),
  })
  .refine((item) => item.id !== '' || item.phone !== '', {
    path: ['id'],
    message: 'id or phone is required',
  });

export const batchResolveContactsRequest = batchRequest.extend({
  view: z.enum(views, 'must be a contact view').transform((view) => VIEWS[view]),
});

export type ContactFields = z.output<typeof fields>;
export type GetContact = z.output<typeof getContactRequest>;
export type UpsertContact = z.output<typeof upsertContactRequest>;
export type UpdateContact = z.output<typeof updateContactRequest>;
export type SearchContacts = z.output<typeof searchContactsRequest>;
export type SetConsent = z.output<typeof setConsentRequest>;
export type BatchResolveContacts = z.output<typeof batchResolveContactsRequest>;
export type ResolveContact = z.output<typeof resolveContactRequest>;

function isLanguageTag(value: string): boolean {
  try {
    return Intl.getCanonicalLocales(value).length === 1;
  } catch {
    return false;
  }
}
