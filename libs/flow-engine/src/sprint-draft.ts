import { CONTEXT_LIMITS } from '@parley/json-limits';
import type { CompiledFlow } from './compile-flow.ts';
import { withChanges } from './context-change.ts';
import type { ContextChange } from './context-change.ts';
import { COST, Effort } from './effort.ts';
import { isWithinDepth, valueAt } from './json-value.ts';
import type { JsonObject } from './json-value.ts';
import type { Scope } from './render.ts';
import type { Effect, EntryType, FailureCode, SessionState, Sprint, TimelineEntry } from './session-state.ts';

/** The part of an effect that its node decides. */
type EffectContent<Kind = Effect> = Kind extends Effect ? Omit<Kind, 'id' | 'nodeId'> : never;

/** Warnings of one timeline entry. */
const MAX_WARNINGS = 20;

/** A sprint in the making. The state it was given stays as it is. */
export class SprintDraft {
  readonly flow: CompiledFlow;
  readonly now: number;
  readonly state: SessionState;
  readonly effort = new Effort();
  private readonly effects: Effect[] = [];
  private readonly timeline: TimelineEntry[] = [];

  constructor(flow: CompiledFlow, state: SessionState, now: number) {
    this.flow = flow;
    this.now = now;
    this.state = { ...state };
  }

  get result(): Sprint {
    return { state: this.state, effects: this.effects, timeline: this.timeline };
  }

  /** What templates read now. */
  get scope(): Scope {
    const { id, name, version } = this.flow;
    const { context, contact, reply, sessionId, startedAt, expiresAt } = this.state;
    return {
      context,
      contact,
      reply: reply ?? {},
      effort: this.effort,
      flow: { id, name, version },
      session: {
        id: sessionId,
        started_at: new Date(startedAt).toISOString(),
        expires_at: new Date(expiresAt).toISOString(),
      },
    };
  }

  /** The id of the effect that the next timeline entry tells of. */
  get nextEffectId(): string {
    return `${this.state.sessionId}.${this.state.entries + 1}`;
  }

  /** Adds to the timeline. An effect is added before the entry that tells of it. */
  note(type: EntryType, nodeId: string, detail: JsonObject, handle = '', warnings: string[] = []): void {
    this.state.entries += 1;
    this.timeline.push({
      number: this.state.entries,
      type,
      nodeId,
      handle,
      detail,
      warnings: withoutRepeats(warnings),
    });
  }

  emit(nodeId: string, content: EffectContent): void {
    // What it says is not what its node means it to.
    if (this.effort.isOver) return;
    this.effects.push({ ...content, id: this.nextEffectId, nodeId });
  }

  /** Changes the context; fails the session where it has grown too large. Whether it has not. */
  changeContext(changes: readonly ContextChange[], nodeId: string): boolean {
    const context = withChanges(this.state.context, changes, this.effort);
    if (!changes.every(([path]) => isWithinContext(context, path))) {
      this.fail(
        'CONTEXT_TOO_DEEP',
        nodeId,
        `the context is nested more than ${CONTEXT_LIMITS.maxDepth} levels deep`,
      );
      return false;
    }
    const text = JSON.stringify(context);
    this.effort.spend(text.length * COST.measuring);
    if (Buffer.byteLength(text) > CONTEXT_LIMITS.maxBytes) {
      this.fail('CONTEXT_TOO_LARGE', nodeId, `the context is larger than ${CONTEXT_LIMITS.maxBytes} bytes`);
      return false;
    }
    this.state.context = context;
    return true;
  }

  complete(nodeId: string, outcome: string): void {
    Object.assign(this.state, { status: 'completed', nodeId, wait: null, outcome });
    this.note('completed', nodeId, { outcome });
  }

  fail(code: FailureCode, nodeId: string, message: string): void {
    Object.assign(this.state, { status: 'failed', nodeId, wait: null, failure: { code, nodeId, message } });
    this.note('failed', nodeId, { code, message });
  }

  expire(): void {
    Object.assign(this.state, { status: 'expired', wait: null });
    this.note('expired', this.state.nodeId, {});
  }
}

/** Whether what a path leads to is nested no deeper than the context may be; all else has been looked at before. */
function isWithinContext(context: JsonObject, path: readonly string[]): boolean {
  return isWithinDepth(valueAt(context, path) ?? null, CONTEXT_LIMITS.maxDepth - path.length);
}

/** A flow's texts could hold thousands of values that are missing. */
function withoutRepeats(warnings: string[]): string[] {
  if (warnings.length === 0) return warnings;
  const all = [...new Set(warnings)];
  if (all.length <= MAX_WARNINGS) return all;
  return [...all.slice(0, MAX_WARNINGS), `and ${all.length - MAX_WARNINGS} more`];
}
