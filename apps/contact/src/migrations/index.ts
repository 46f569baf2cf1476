import { CreateContacts1763800100000 } from './1763800100000-create-contacts.ts';
import { CreateTagChanges1764200000000 } from './1764200000000-create-tag-changes.ts';

/** In the order they run. */
export const migrations = [CreateContacts1763800100000, CreateTagChanges1764200000000];
