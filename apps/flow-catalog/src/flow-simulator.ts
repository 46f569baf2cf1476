import { Injectable } from '@nestjs/common';
import { DomainError } from '@parley/errors';
import {
  compileFlow,
  simulateInTurns,
  type CompiledFlow,
  type FlowProblem,
  type Simulation,
  type SimulationScript,
} from '@parley/flow-engine';
import { WorkingTime } from '@parley/service';
import { checkDefinition } from './flow.ts';
import { defaultSettings } from './flow.requests.ts';
import { FlowService } from './flow.service.ts';
import { PublishedFlows } from './published-flows.ts';
import type { SimulateFlow } from './simulation.requests.ts';

/** What a simulation may take, other calls being served meanwhile: half of what callers wait. */
const MAX_MS = 1_000;

/** What is to be played. */
interface Source {
  id: string;
  name: string;
  /** A draft has the number it would be published under. */
  version: number;
  definition: string;
  sessionTtlMinutes: number;
  channel: string;
}

/** Plays flows without sessions; writes and sends nothing. */
@Injectable()
export class FlowSimulator {
  private readonly flows: FlowService;
  private readonly published: PublishedFlows;
  private readonly time: WorkingTime;

  constructor(flows: FlowService, published: PublishedFlows, time: WorkingTime) {
    this.flows = flows;
    this.published = published;
    this.time = time;
  }

  async simulate(request: SimulateFlow): Promise<{ simulation: Simulation; warnings: FlowProblem[] }> {
    const { tenantId, context, contact, startTime, steps, httpAnswers: http } = request;
    const source = await this.sourceOf(request);
    if (this.time.owes(tenantId)) await this.time.turn();
    const { flow, warnings } = this.time.use(tenantId, () => compile(source));
    const startAt = (startTime ?? new Date()).getTime();
    const script = { context, contact, startAt, steps, http };
    return { simulation: await this.play(tenantId, flow, script), warnings };
  }

  /** Between sprints, each of which the engine bounds, other calls have their turn. */
  private async play(tenantId: string, flow: CompiledFlow, script: SimulationScript): Promise<Simulation> {
    const end = performance.now() + MAX_MS;
    const turns = simulateInTurns(flow, script);
    for (;;) {
      const turn = this.time.use(tenantId, () => turns.next(performance.now() > end));
      if (turn.done) return turn.value;
      await this.time.turn();
    }
  }

  private async sourceOf({ tenantId, flowId, version, definition, settings }: SimulateFlow): Promise<Source> {
    if (version > 0) return { ...(await this.published.version({ tenantId, flowId, version })), id: flowId };
    const flow = flowId === '' ? undefined : await this.flows.get({ tenantId, id: flowId });
    const { sessionTtlMinutes, channel } = settings ?? flow ?? defaultSettings;
    return {
      id: flowId,
      name: flow?.name ?? '',
      version: (flow?.latestVersion ?? 0) + 1,
      definition: definition || flow!.draftDefinition,
      sessionTtlMinutes,
      channel,
    };
  }
}

function compile({ definition, ...facts }: Source): { flow: CompiledFlow; warnings: FlowProblem[] } {
  const { errors, warnings, entryNodeId } = checkDefinition(definition, facts);
  if (errors.length > 0) {
    const fields = errors.map(({ field, message }) => ({ field, description: message }));
    throw new DomainError('invalid_argument', 'FLOW_GRAPH_INVALID', 'The flow cannot be simulated', {
      fields,
    });
  }
  if (entryNodeId === '') {
    throw new DomainError('failed_precondition', 'FLOW_HAS_NO_ENTRY_NODE', 'Flow has no entry node');
  }
  return { flow: compileFlow(JSON.parse(definition), facts), warnings };
}
