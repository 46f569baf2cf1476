export { CAPTION_SEPARATOR, FLOW_CHANNELS, WHATSAPP_LIMITS } from './channel-limits.ts';
export { checkFlow } from './check-flow.ts';
export type { FlowCheck, FlowCheckSettings } from './check-flow.ts';
export { compileFlow } from './compile-flow.ts';
export type { CompiledFlow, FlowFacts } from './compile-flow.ts';
export { DOT_SEGMENTS_ERROR, hasDotSegments } from './dot-segments.ts';
export { FLOW_ERROR_CODES, FLOW_WARNING_CODES } from './flow-problem.ts';
export type { FlowProblem, FlowProblemCode } from './flow-problem.ts';
export { flowWeight } from './flow-weight.ts';
export { coveredShare, joinCoverage } from './flow-coverage.ts';
export type { FlowCoverage, NodeCoverage } from './flow-coverage.ts';
export { isJsonObject } from './json-value.ts';
export type { JsonObject, JsonValue } from './json-value.ts';
export { isPublicAddress } from './public-address.ts';
export { isPublicHost } from './public-host.ts';
export { readsContact } from './reads-contact.ts';
export { newSession, runSprint } from './run-sprint.ts';
export type { NewSessionFacts } from './run-sprint.ts';
export { FAILURE_CODES } from './session-state.ts';
export type {
  Effect,
  Failure,
  HttpAnswer,
  HttpRequest,
  SessionState,
  Sprint,
  SprintInput,
  TimelineEntry,
  Wait,
} from './session-state.ts';
export { simulate, simulateInTurns } from './simulate.ts';
export { SIMULATION_LIMITS } from './simulation-script.ts';
export type {
  SimulatedContact,
  SimulatedEntry,
  SimulatedMessage,
  Simulation,
  SimulationProblem,
  SimulationScript,
  SimulationStep,
} from './simulation-script.ts';
