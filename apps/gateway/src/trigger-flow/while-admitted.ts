import { DomainError } from '@parley/errors';

/**
 * The items for as long as their caller is let in, which is asked before each. An error takes the item's place; after one
 * that says that the caller is not let in any more nothing is read.
 */
export async function* whileAdmitted(
  items: AsyncIterable<unknown>,
  admit: () => Promise<void>,
): AsyncGenerator {
  for await (const item of items) {
    const refusal: unknown = await admit().then(() => undefined, asError);
    yield refusal ?? item;
    if (isFinal(refusal)) return;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('Not let in', { cause: error });
}

/** A database that is away says nothing about the caller. */
function isFinal(refusal: unknown): boolean {
  return refusal instanceof DomainError && ['unauthenticated', 'permission_denied'].includes(refusal.kind);
}
