import type { CompiledFlow } from './compile-flow.ts';
import { DOT_SEGMENTS_ERROR, hasDotSegments } from './dot-segments.ts';
import { coverageOf } from './flow-coverage.ts';
import { quote } from './flow-problem.ts';
import type { JsonObject } from './json-value.ts';
import { newSession, runSprint } from './run-sprint.ts';
import type { HttpRequest, SessionState, SprintInput } from './session-state.ts';
import { SIMULATION_LIMITS } from './simulation-script.ts';
import type {
  SimulatedContact,
  SimulatedEntry,
  SimulatedMessage,
  Simulation,
  SimulationProblem,
  SimulationScript,
  SimulationStep,
} from './simulation-script.ts';

/** The ids of a simulated session and contact, so that simulating twice gives the same. */
const NO_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Plays a flow against a script, with the engine that sessions run on and a clock that moves only where the script lets
 * time pass. Pure: the same arguments give the same simulation, and it never throws.
 */
export function simulate(flow: CompiledFlow, script: SimulationScript): Simulation {
  const turns = simulateInTurns(flow, script);
  for (;;) {
    const turn = turns.next(false);
    if (turn.done) return turn.value;
  }
}

/** As simulate, but gives control back after each sprint. Who has no more time says so with next(true). */
export function* simulateInTurns(
  flow: CompiledFlow,
  script: SimulationScript,
): Generator<void, Simulation, boolean> {
  const run = new SimulationRun(flow, script);
  yield* run.play(run.begin());
  for (const step of script.steps) {
    if (run.isStopped) break;
    yield* run.play(run.inputsOf(step));
  }
  return run.result;
}

/** A simulation under way. */
class SimulationRun {
  private readonly flow: CompiledFlow;
  private readonly http: SimulationScript['http'];
  private readonly asked = new Map<string, number>();
  private readonly messages: SimulatedMessage[] = [];
  private readonly timeline: SimulatedEntry[] = [];
  private state: SessionState;
  private time: number;
  private step = 0;
  private characters = 0;
  private problem: SimulationProblem | null = null;

  constructor(flow: CompiledFlow, { context, contact, startAt, http }: SimulationScript) {
    this.flow = flow;
    this.http = http;
    this.time = startAt;
    this.state = newSession(flow, { sessionId: NO_ID, context, contact: factsOf(contact) }, startAt);
  }

  get isStopped(): boolean {
    return this.problem !== null;
  }

  get result(): Simulation {
    const { state, time, messages, timeline, problem } = this;
    return { state, time, messages, timeline, coverage: coverageOf(this.flow, timeline), problem };
  }

  *begin(): Generator<SprintInput> {
    yield { type: 'start' };
  }

  /** What a step gives the session, one input after the other: each is asked for when the one before has been played. */
  *inputsOf(step: SimulationStep): Generator<SprintInput> {
    this.step += 1;
    if (step.type === 'reply') {
      yield { type: 'reply', waitId: 0, text: step.text, choice: '' };
    } else if (step.type === 'choose') {
      const { choice } = step;
      const shown = this.messages.findLast(({ choices }) => choices.some(({ id }) => id === choice));
      if (shown) yield { type: 'reply', waitId: shown.waitId, text: '', choice };
      else this.stop('CHOICE_NOT_SHOWN', `no message so far has shown a choice ${quote(choice)}`);
    } else if (step.type === 'wait') {
      yield* this.passUntil(this.time + step.ms);
    } else if (this.state.status === 'running') {
      yield* this.passUntil(this.state.expiresAt);
    }
  }

  /** Plays inputs and answers the requests they lead to, each of which takes no time. */
  *play(inputs: Generator<SprintInput>): Generator<void, void, boolean> {
    for (const input of inputs) {
      for (let next: SprintInput | undefined = input; next && !this.isStopped; next = this.answer()) {
        this.run(next);
        const isOutOfTime = yield;
        if (isOutOfTime) this.stop('SIMULATION_TOO_LONG', 'simulating it takes too long');
      }
      if (this.isStopped) return;
    }
  }

  /** Lets the clock pass to a time, stopping wherever the session is due. */
  private *passUntil(end: number): Generator<SprintInput> {
    while (this.state.status === 'running') {
      const { wait, expiresAt } = this.state;
      // A wait's time always lies before the session's end.
      const due = wait?.until ?? expiresAt;
      if (due > end) break;
      this.time = due;
      yield { type: 'timeout', waitId: wait?.id ?? 0 };
    }
    this.time = end;
  }

  private run(input: SprintInput): void {
    const { state, effects, timeline } = runSprint(this.flow, this.state, input, this.time);
    const { step, time } = this;
    this.state = state;
    for (const entry of timeline) this.timeline.push({ step, time, ...entry });
    for (const effect of effects) {
      if (effect.type !== 'message') continue;
      const { nodeId, text, template, media, choices, waitId } = effect;
      this.messages.push({ step, time, nodeId, text, template, media, choices, waitId });
    }
    this.characters += JSON.stringify([effects, timeline]).length;
    if (this.characters > SIMULATION_LIMITS.characters) {
      this.stop('SIMULATION_TOO_LONG', 'its messages and timeline are larger than 2 MiB');
    }
  }

  /** The answer to the request that the session waits for, if it does. */
  private answer(): SprintInput | undefined {
    const { wait } = this.state;
    if (wait?.kind !== 'http') return undefined;
    if (hasDotSegments(wait.request.url)) {
      return { type: 'http_answer', waitId: wait.id, answer: { error: DOT_SEGMENTS_ERROR } };
    }
    const answers = this.http.get(wait.nodeId) ?? [];
    const asked = this.asked.get(wait.nodeId) ?? 0;
    const answer = answers[asked] ?? answers.at(-1);
    this.asked.set(wait.nodeId, asked + 1);
    if (answer) return { type: 'http_answer', waitId: wait.id, answer };
    this.stop('HTTP_ANSWER_MISSING', missing(wait.nodeId, wait.request));
    return undefined;
  }

  private stop(code: SimulationProblem['code'], message: string): void {
    this.problem ??= { code, step: this.step, nodeId: this.state.nodeId, message };
  }
}

function missing(nodeId: string, { method, url }: HttpRequest): string {
  return `no HTTP answer is given for the node ${nodeId}, which asks ${method} ${url.slice(0, 200)}`;
}

/** As the session service hands a contact to the engine. */
function factsOf({ phone, name, email, tags, metadata }: SimulatedContact): JsonObject {
  return {
    id: NO_ID,
    phone: phone ?? '',
    name: name ?? '',
    email: email ?? '',
    tags: tags ?? [],
    metadata: metadata ?? {},
  };
}
