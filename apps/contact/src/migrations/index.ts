import { CreateContacts1763800100000 } from './1763800100000-create-contacts.ts';
import { CreateTagChanges1764200000000 } from './1764200000000-create-tag-changes.ts';
import { FindByEmail1764700000000 } from './1764700000000-find-by-email.ts';
import { OrderTagChanges1764700100000 } from './1764700100000-order-tag-changes.ts';
import { TouchContacts1764700200000 } from './1764700200000-touch-contacts.ts';
import { FindByTag1764800000000 } from './1764800000000-find-by-tag.ts';

/** In the order they run. */
export const migrations = [
  CreateContacts1763800100000,
  CreateTagChanges1764200000000,
  FindByEmail1764700000000,
  OrderTagChanges1764700100000,
  TouchContacts1764700200000,
  FindByTag1764800000000,
];
