import type { DomainError } from '@parley/errors';
import { ANSWERS, type Reason } from './error.answers.ts';

/** Seconds after which a caller may try again, where nothing more exact is known. */
const RETRY_AFTER_SECONDS = '1';

/** Names that differ between the services and REST. An empty path is the body itself. */
const REST_NAMES: [RegExp, string][] = [
  [/^$/, 'body'],
  [/^page_token$/, 'after'],
  [/^fields\.tags\.tags\b/, 'tags'],
  [/^fields\.(?:add|remove)_tags\b.*/, 'tag'],
  [/^fields\./, ''],
];

/** What a caller is told of an error, in the one shape of the REST surface. */
export interface ErrorAnswer {
  /** One that error.answers.ts knows. */
  reason: Reason;
  status: number;
  body: object;
  /** Seconds, where trying again makes sense. */
  retryAfter: string | undefined;
}

/** The answer to an error. A reason that is not known here is INTERNAL. */
export function answerTo(error: DomainError): ErrorAnswer {
  const reason: Reason = Object.hasOwn(ANSWERS, error.reason) ? (error.reason as Reason) : 'INTERNAL';
  const answer = ANSWERS[reason];
  return {
    reason,
    status: answer.status,
    body: 'fields' in answer ? validationBody(error, answer.as) : { error: answer.error },
    retryAfter: retryAfter(reason, error),
  };
}

function retryAfter(reason: Reason, error: DomainError): string | undefined {
  if (reason === 'UNAVAILABLE') return RETRY_AFTER_SECONDS;
  return reason === 'RATE_LIMITED' ? error.metadata['retry_after'] : undefined;
}

function validationBody({ fields, message }: DomainError, as: string | undefined): object {
  const errors = new Map<string, string[]>();
  const problems = fields.length > 0 ? fields : [{ field: '', description: message }];
  for (const { field, description } of problems) {
    const name = as ?? restName(field);
    errors.set(name, [...(errors.get(name) ?? []), description]);
  }
  return { message: 'The given data was invalid.', errors: Object.fromEntries(errors) };
}

function restName(field: string): string {
  return REST_NAMES.reduce((name, [pattern, rest]) => name.replace(pattern, rest), field);
}
