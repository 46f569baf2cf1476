import { StartResult } from '@parley/contracts/session';
import type { TriggerOutcome } from './trigger-flow.service.ts';

/** The answer to a dry run: what the same request without dry_run would do now. */
export interface DryRun {
  dry_run: true;
  /** would_start; already_running: that session would be answered; would_replay: the first answer would come again. */
  status: 'would_start' | 'already_running' | 'would_replay';
  /** The session that would be answered; null for one that would be started. */
  id: string | null;
  flow_id: string;
  flow_name: string;
  /** null for a contact that would be created. */
  contact_id: string | null;
  /** Why, for people. */
  reasons: string[];
}

export function toDryRun({ session, made }: TriggerOutcome): DryRun {
  const starts = session.result === StartResult.STARTED;
  return {
    dry_run: true,
    status: made ? (starts ? 'would_start' : 'already_running') : 'would_replay',
    id: session.sessionId || null,
    flow_id: session.flowId,
    flow_name: session.flowName,
    contact_id: session.contactId || null,
    reasons: made
      ? [
          `Version ${made.flowVersion} of the flow is published.`,
          made.contactCreated
            ? 'No contact has this phone; it would be created, opted in now.'
            : 'The contact exists and has not opted out.',
          starts
            ? 'No session of this flow is running for the contact.'
            : 'A session of this flow is running for the contact.',
        ]
      : ['A request with this Idempotency-Key was answered in the last 24 hours.'],
  };
}
