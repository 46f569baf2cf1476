import { CreateContacts1763800100000 } from './1763800100000-create-contacts.ts';

/** In the order they run. */
export const migrations = [CreateContacts1763800100000];
