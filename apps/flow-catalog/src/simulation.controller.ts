import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type { SimulateFlowResponse } from '@parley/contracts/flow-catalog';
import { FlowSimulator } from './flow-simulator.ts';
import { toSimulateFlowResponse } from './simulation.messages.ts';
import { simulateFlowRequest, type SimulateFlow } from './simulation.requests.ts';

@Controller()
export class SimulationController {
  private readonly simulator: FlowSimulator;

  constructor(simulator: FlowSimulator) {
    this.simulator = simulator;
  }

  @GrpcMethod('FlowCatalogService', 'simulateFlow')
  async simulateFlow(
    @Payload({ schema: simulateFlowRequest }) request: SimulateFlow,
  ): Promise<SimulateFlowResponse> {
    const { simulation, warnings } = await this.simulator.simulate(request);
    return toSimulateFlowResponse(simulation, warnings);
  }
}
