import type { ContactFields } from '@parley/contracts/contact';
import { CONTEXT_LIMITS } from '@parley/json-limits';
import { z } from 'zod';
import {
  after,
  given,
  jsonObject,
  limit,
  LONE_SURROGATES,
  optionalPhone,
  optionalUuid,
  required,
  requiredPhone,
  requiredText,
  requiredUuid,
} from '../fields.ts';

const text = z.string('must be a string').refine((value) => value.isWellFormed(), LONE_SURROGATES);

/** In a request. A contact has at most 100 in the end. */
const MAX_TAGS = 1_000;

/** "vip, summer" or ["vip", "summer"] */
const tags = z
  .union(
    [text.transform((csv): unknown[] => csv.split(',')), z.array(z.unknown())],
    'must be a list of texts, or a text with commas between them',
  )
  .refine((list) => list.length <= MAX_TAGS, { error: `must not be more than ${MAX_TAGS}`, abort: true })
  .pipe(z.array(text))
  .transform((list) => list.map((tag) => tag.trim()).filter((tag) => tag !== ''));

const metadata = jsonObject(CONTEXT_LIMITS);

const fields = {
  name: text.optional(),
  email: text.optional(),
  locale: text.optional(),
  tags: tags.optional(),
  metadata: metadata.optional(),
};

export const createContactBody = z.object({ phone: requiredPhone, ...fields });

export const updateContactBody = z.object({ contact_id: requiredUuid, phone: optionalPhone, ...fields });

const email = given(text);

/** Exactly one of the three. */
export const getContactBody = z
  .object({ contact_id: optionalUuid, phone: optionalPhone, email })
  .refine(
    ({ contact_id, phone, email }) =>
      [contact_id, phone, email].filter((given) => given !== undefined).length === 1,
    {
      path: ['contact_id'],
      error: 'exactly one of contact_id, phone and email is required',
    },
  )
  .transform(({ contact_id, phone, email }) => {
    if (contact_id !== undefined) return { $case: 'id' as const, value: contact_id };
    if (phone !== undefined) return { $case: 'phone' as const, value: phone };
    return { $case: 'email' as const, value: email! };
  });

export const searchContactsBody = z.object({
  query: text.max(255, 'must not be longer than 255 characters').default(''),
  tag: text.default(''),
  email: text.default(''),
});

/** Without white space around it, as in lists of tags. */
const tag = required.transform((value) => value.trim()).pipe(requiredText(64));

export const tagBody = z.object({ contact_id: requiredUuid, tag });

export const listContactsQuery = searchContactsBody.extend({ limit, after }).strict();

export type CreateContactBody = z.output<typeof createContactBody>;
export type UpdateContactBody = z.output<typeof updateContactBody>;
export type GetContactBody = z.output<typeof getContactBody>;
export type SearchContactsBody = z.output<typeof searchContactsBody>;
export type TagBody = z.output<typeof tagBody>;
export type ListContactsQuery = z.output<typeof listContactsQuery>;

type GivenFields = Pick<CreateContactBody, 'name' | 'email' | 'locale' | 'tags' | 'metadata'>;

/** Only the fields sent. */
export function toContactFields({ name, email, locale, tags, metadata }: GivenFields): ContactFields {
  return { name, email, locale, metadata, tags: tags && { tags }, addTags: [], removeTags: [] };
}
