import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { DomainError, invalidFields, issueText, type FieldProblem } from '@parley/errors';
import { z } from 'zod';

/** Any RFC 9562 UUID, in lower case. */
export const uuid = z.string('must be a UUID').toLowerCase().pipe(z.uuid('must be a UUID'));

/** Of a list that is too long, no item is looked at, and nothing said of one. Items are for the schema it is piped into. */
export const shortList = (max: number) =>
  z.array(z.unknown(), 'must be an array').max(max, `must not be more than ${max}`);

/** A batch; its items are checked one by one with checkItem, so that a bad one fails alone. */
export const batchRequest = z.object({
  requests: shortList(1_000).min(1, 'must not be empty'),
});

/** An item of a batch as its schema makes it, or INVALID_FIELD. */
export function checkItem<T extends z.ZodType>(schema: T, item: unknown): z.output<T> | DomainError {
  const result = schema.safeParse(item, { error: issueText });
  return result.success ? result.data : invalidFields(toFieldProblems(result.error.issues));
}

/** More than these a request is not told of. */
const MAX_PROBLEMS = 100;

/** What validation says of the fields at fault, under their snake_case paths; each thing once, the first hundred. */
export function toFieldProblems(issues: readonly Issue[]): FieldProblem[] {
  const problems = new Map<string, FieldProblem>();
  for (const issue of issues) {
    for (const problem of problemsOf(issue)) {
      problems.set(`${problem.field}\0${problem.description}`, problem);
      if (problems.size === MAX_PROBLEMS) return [...problems.values()];
    }
  }
  return [...problems.values()];
}

interface Issue {
  path?: unknown;
  message: string;
  code?: string | undefined;
  /** Of unrecognized_keys. */
  keys?: string[];
}

function problemsOf({ path, message: description, code, keys = [] }: Issue): FieldProblem[] {
  if (code !== 'unrecognized_keys') return [{ field: fieldPath(path), description }];
  const place: unknown[] = Array.isArray(path) ? path : [];
  return keys.map((key) => ({ field: fieldPath([...place, key]), description: 'is not known here' }));
}

/**
 * Validates what `@Payload({ schema })`, `@Body({ schema })` and `@Query({ schema })` mark, and fails with INVALID_FIELD.
 * Nest's own pipe would remove keys such as `__proto__` from a context first; we give contexts back as they were sent.
 */
@Injectable()
export class SchemaPipe implements PipeTransform {
  transform(value: unknown, { schema }: ArgumentMetadata): unknown {
    if (!schema) return value;
    const result = checkItem(schema as z.ZodType, value);
    if (result instanceof DomainError) throw result;
    return result;
  }
}

/** ['nodes', 2, 'saveAs'] is nodes[2].save_as. */
function fieldPath(path: unknown): string {
  if (!Array.isArray(path)) return '';
  return path.reduce<string>((text, part: unknown) => {
    const key = typeof part === 'object' && part !== null ? (part as { key: unknown }).key : part;
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = String(key).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return text === '' ? name : `${text}.${name}`;
  }, '');
}
