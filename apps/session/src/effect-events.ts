import { randomUUIDv7 } from 'node:crypto';
import type { CompiledFlow, Effect } from '@parley/flow-engine';

/** The event that asks for each kind of effect. */
export const EFFECT_EVENT_TYPES = {
  message: 'message.requested',
  handoff: 'session.handoff_requested',
  tags: 'session.tags_requested',
} as const satisfies Record<Effect['type'], string>;

/** An event that a sprint asks for, as the statement that writes it takes it. */
export interface SprintEvent {
  /** UUIDv7. */
  id: string;
  type: (typeof EFFECT_EVENT_TYPES)[Effect['type']];
  sequence: number;
  /** JSON text. Proto: session_events.proto. */
  data: string;
}

/** The session an effect belongs to; sequence is that of its last event so far. */
export interface EffectSource {
  sessionId: string;
  contactId: string;
  sequence: number;
  flow: CompiledFlow;
}

/** The events that ask for a sprint's effects, in order. */
export function effectEvents(effects: Effect[], source: EffectSource): SprintEvent[] {
  return effects.map((effect, index) => ({
    id: randomUUIDv7(),
    type: EFFECT_EVENT_TYPES[effect.type],
    sequence: source.sequence + index + 1,
    data: JSON.stringify({
      effect_id: effect.id,
      session_id: source.sessionId,
      flow_id: source.flow.id,
      flow_name: source.flow.name,
      flow_version: source.flow.version,
      contact_id: source.contactId,
      node_id: effect.nodeId,
      ...contentOf(effect, source),
    }),
  }));
}

function contentOf(effect: Effect, { sessionId, flow }: EffectSource): Record<string, unknown> {
  switch (effect.type) {
    case 'message':
      return {
        text: effect.text,
        // Absent, not null, where there is none: so proto3's JSON has it.
        template: effect.template
          ? {
              ...effect.template,
              variables: effect.template.variables.map(([name, value]) => ({ name, value })),
            }
          : undefined,
        media: effect.media ?? undefined,
        choices: effect.choices.map(({ id, title }) => ({
          id,
          title,
          payload: choicePayload({ sessionId, waitId: effect.waitId, choice: id }),
        })),
        wait_id: effect.waitId,
        channel: flow.channel || undefined,
      };
    case 'handoff':
      return { queue: effect.queue, note: effect.note };
    case 'tags':
      return { add: effect.add, remove: effect.remove };
  }
}

/** What a chosen answer names. */
export interface ChosenAnswer {
  sessionId: string;
  waitId: number;
  choice: string;
}

/** What a button gives back. So a press on an old one is known to be late, and finds its session among several. */
export function choicePayload({ sessionId, waitId, choice }: ChosenAnswer): string {
  return `${sessionId}.${waitId}.${choice}`;
}

/** What is in a payload of ours; undefined for any other. */
export function readPayload(payload: string): ChosenAnswer | undefined {
  const [, sessionId, waitId, choice] = /^([0-9a-f-]{36})\.(\d{1,9})\.(.{1,64})$/s.exec(payload) ?? [];
  if (sessionId === undefined || waitId === undefined || choice === undefined) return undefined;
  return { sessionId, waitId: Number(waitId), choice };
}
