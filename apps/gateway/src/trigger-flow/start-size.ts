import type { ContactFacts, StartSessionRequest } from '@parley/contracts/session';

/** The fields of any item that are no free text: a few UUIDs, and an E.164 number. */
export const ITEM_BYTES = 256;
/** UTF-8 takes this many of a UTF-16 unit at most; counting so is cheaper than encoding. */
const BYTES_OF_UNIT = 3;
/** What protobuf puts before a text of its own. */
const TEXT_BYTES = 4;

/** At least the bytes a start has in its batch: gRPC refuses the whole batch where it is larger than 4 MiB. */
export function sizeOfStart({ context, requestId, contact }: StartSessionRequest): number {
  // A key is ASCII.
  return ITEM_BYTES + Buffer.byteLength(context) + requestId.length + (contact ? sizeOfFacts(contact) : 0);
}

function sizeOfFacts({ name, email, tags, metadata }: ContactFacts): number {
  const units = tags.reduce((sum, tag) => sum + tag.length, name.length + email.length);
  return ITEM_BYTES + units * BYTES_OF_UNIT + tags.length * TEXT_BYTES + Buffer.byteLength(metadata);
}
