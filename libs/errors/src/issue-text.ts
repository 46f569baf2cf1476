/** What a schema (zod) has found wrong with a value, as far as words for it need to know. */
interface SchemaIssue {
  code?: string | undefined;
  input?: unknown;
  /** Of invalid_type. */
  expected?: string;
  /** Of too_small and too_big: what is counted. */
  origin?: string;
  minimum?: number | bigint;
  maximum?: number | bigint;
  inclusive?: boolean;
  /** Of invalid_value. */
  values?: unknown[];
}

const TYPES: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'an array',
  null: 'null',
};

/**
 * What to tell a person of a field at fault, in the words of all our answers; undefined where the schema's own have to do. To be
 * given to a schema as it parses, for what it says nothing of by itself: schema.safeParse(value, { error: issueText }).
 */
export function issueText(issue: SchemaIssue): string | undefined {
  const { code, input, expected = '', origin, minimum, maximum, inclusive = true, values = [] } = issue;
  if (code === 'invalid_type' && input === undefined) return 'is required';
  if (code === 'invalid_type') return TYPES[expected] && `must be ${TYPES[expected]}`;
  if (code === 'invalid_value' && values.length > 0) {
    if (input === undefined) return 'is required';
    return `must be ${values.length > 1 ? 'one of ' : ''}${values.map((value) => JSON.stringify(value)).join(', ')}`;
  }
  if (code === 'too_small') {
    if (origin === 'string')
      return Number(minimum) === 1 ? 'must not be empty' : `must have at least ${minimum} characters`;
    if (origin === 'array')
      return Number(minimum) === 1 ? 'must not be empty' : `must have at least ${minimum} items`;
    return `must be ${inclusive ? 'at least' : 'more than'} ${minimum}`;
  }
  if (code === 'too_big') {
    if (origin === 'string') return `must not be longer than ${maximum} characters`;
    if (origin === 'array') return `must not have more than ${maximum} items`;
    return `must be ${inclusive ? 'at most' : 'less than'} ${maximum}`;
  }
  return undefined;
}
