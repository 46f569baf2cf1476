import { coveredShare, type FlowCoverage } from '@parley/flow-engine';

/** Whole percent of nodes and handles, rounded down: 100 means all. */
export function percentOf(coverage: FlowCoverage): number {
  return Math.floor(coveredShare(coverage) * 100);
}

/** What is covered of a flow, and by name what is not. */
export function coverageLines(flow: string, coverage: FlowCoverage): string[] {
  const { nodes } = coverage;
  const handles = nodes.flatMap((node) =>
    node.handles.map(({ id, taken }) => ({ id: `${node.id}.${id}`, taken })),
  );
  const missing = [
    ...nodes.filter(({ entered }) => !entered).map(({ id }) => `node    ${id}`),
    ...handles.filter(({ taken }) => !taken).map(({ id }) => `handle  ${id}`),
  ];
  const entered = nodes.filter((node) => node.entered).length;
  const taken = handles.filter((handle) => handle.taken).length;
  return [
    `${flow}: ${percentOf(coverage)} % covered: ${entered} of ${nodes.length} nodes, ${taken} of ${handles.length} handles`,
    ...missing.map((line) => `  not covered: ${line}`),
  ];
}
