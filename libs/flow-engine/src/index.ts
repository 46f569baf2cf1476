export { checkFlow } from './check-flow.ts';
export type { FlowCheck, FlowCheckSettings } from './check-flow.ts';
export { FLOW_ERROR_CODES, FLOW_WARNING_CODES } from './flow-problem.ts';
export type { FlowProblem, FlowProblemCode } from './flow-problem.ts';
