import { newSession, runSprint, type CompiledFlow, type JsonObject } from '@parley/flow-engine';
import { columnsOf, parseObject, type SprintColumns } from './session-memory.ts';
import type { StartSession } from './session.requests.ts';

/** Of session.started, before the events of the first sprint. */
const STARTED_SEQUENCE = 1;

/** Runs a session's first sprint before there is a session: its row is written with what it came to. */
export function firstSprint(
  flow: CompiledFlow,
  { sessionId, context, contactId, contact }: StartSession & { sessionId: string },
  now: number,
): SprintColumns {
  const before = newSession(
    flow,
    { sessionId, context: parseObject(context), contact: factsOf(contactId, contact) },
    now,
  );
  const sprint = runSprint(flow, before, { type: 'start' }, now);
  const columns = columnsOf(sprint, before, now, { flow, contactId, sequence: STARTED_SEQUENCE });
  // As it was given where the flow has not changed it: numbers keep the digits they were written with.
  return { ...columns, context: columns.context ?? context };
}

function factsOf(id: string, contact: StartSession['contact']): JsonObject {
  if (!contact) return { id };
  const { metadata, ...facts } = contact;
  return { id, ...facts, metadata: parseObject(metadata) };
}
