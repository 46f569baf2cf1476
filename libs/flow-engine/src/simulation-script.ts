import type { JsonObject } from './json-value.ts';
import type { HttpAnswer, Message, SessionState, TimelineEntry } from './session-state.ts';
import type { FlowCoverage } from './flow-coverage.ts';

/** What a simulation is given beside the flow. */
export interface SimulationScript {
  /** What the session starts with. */
  context: JsonObject;
  contact: SimulatedContact;
  /** What the virtual clock shows at the start. */
  startAt: number;
  /** At most SIMULATION_LIMITS.steps; whoever takes a script from outside checks that. */
  steps: readonly SimulationStep[];
  /** What HTTP requests are answered, by node, in order; the last answer also serves every later request of the node. */
  http: ReadonlyMap<string, readonly HttpAnswer[]>;
}

/** What `{{contact.…}}` reads. What is left out is empty. */
export interface SimulatedContact {
  /** E.164. */
  phone?: string | undefined;
  name?: string | undefined;
  email?: string | undefined;
  tags?: string[] | undefined;
  metadata?: JsonObject | undefined;
}

/** What happens next to a simulated session. */
export type SimulationStep =
  /** The contact writes something. */
  | { type: 'reply'; text: string }
  /** The contact presses the button of a choice, on the newest message that shows it. */
  | { type: 'choose'; choice: string }
  /** Time passes. Whatever falls due meanwhile happens at its time. */
  | { type: 'wait'; ms: number }
  /** Time passes until the session's time is up. */
  | { type: 'expire' };

/** What a simulation may take, so that it ends soon whatever the flow. */
export const SIMULATION_LIMITS = {
  /** Steps of a script. */
  steps: 200,
  /** The longest wait of one step: a week. */
  waitMs: 7 * 24 * 60 * 60_000,
  /** Stubbed HTTP answers of a script. */
  httpAnswers: 200,
  /** Characters of messages and timeline, as JSON, after which the simulation stops. */
  characters: 2 * 1024 * 1024,
} as const;

/** A message that would have been sent. */
export type SimulatedMessage = { step: number; time: number; nodeId: string } & Message;

/** An entry of the timeline, and when it was made: during which step, 0 being the start, and at what virtual time. */
export type SimulatedEntry = { step: number; time: number } & TimelineEntry;

/** What a simulation came to. */
export interface Simulation {
  /** The session at the end. */
  state: SessionState;
  /** What the virtual clock shows at the end. */
  time: number;
  messages: SimulatedMessage[];
  timeline: SimulatedEntry[];
  coverage: FlowCoverage;
  /** Why it stopped before all steps were played; null where it did not. */
  problem: SimulationProblem | null;
}

export interface SimulationProblem {
  code: 'HTTP_ANSWER_MISSING' | 'CHOICE_NOT_SHOWN' | 'SIMULATION_TOO_LONG';
  /** The step being played, 0 being the start. */
  step: number;
  nodeId: string;
  /** In English. */
  message: string;
}
