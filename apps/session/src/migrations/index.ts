import { outboxMigrations } from '@parley/events';
import { CreateSessions1763800100000 } from './1763800100000-create-sessions.ts';
import { CreateStartRequests1763900000000 } from './1763900000000-create-start-requests.ts';
import { Converse1764100000000 } from './1764100000000-converse.ts';
import { PassOverTheDue1764400000000 } from './1764400000000-pass-over-the-due.ts';
import { KeepDueApart1764500000000 } from './1764500000000-keep-due-apart.ts';
import { ListTheEnded1764600000000 } from './1764600000000-list-the-ended.ts';
import { RepliesByContact1764900000000 } from './1764900000000-replies-by-contact.ts';
import { FollowTheEnded1765000000000 } from './1765000000000-follow-the-ended.ts';
import { ShareReplies1765100000000 } from './1765100000000-share-replies.ts';
import { KeepTheExpired1765200000000 } from './1765200000000-keep-the-expired.ts';

/** They run in the order of the numbers in their names. */
export const migrations = [
  ...outboxMigrations,
  CreateSessions1763800100000,
  CreateStartRequests1763900000000,
  Converse1764100000000,
  PassOverTheDue1764400000000,
  KeepDueApart1764500000000,
  ListTheEnded1764600000000,
  RepliesByContact1764900000000,
  FollowTheEnded1765000000000,
  ShareReplies1765100000000,
  KeepTheExpired1765200000000,
];
