import { describe, expect, it } from '@jest/globals';
import { checkFlow } from './check-flow.ts';
import { NODE_TYPES } from './flow-node.ts';
import { FLOW_ERROR_CODES, FLOW_WARNING_CODES } from './flow-problem.ts';
import { ENTRY_TYPES, FAILURE_CODES } from './session-state.ts';
import { docs, tableOf } from './testing/flow-docs.ts';

const rows = (pattern: RegExp) => [...docs.matchAll(pattern)].map(([, first]) => first).sort();

describe('docs/flows.md', () => {
  it('lists the errors of the code, and no others', () => {
    expect(rows(/^\| `([A-Z_]+)` \| error \|/gm)).toEqual([...FLOW_ERROR_CODES].sort());
  });

  it('lists the warnings of the code, and no others', () => {
    expect(rows(/^\| `([A-Z_]+)` \| warning \|/gm)).toEqual([...FLOW_WARNING_CODES].sort());
  });

  it('lists the codes of failures, and no others', () => {
    expect([...tableOf('Failures').keys()].sort()).toEqual([...FAILURE_CODES].sort());
  });

  it('lists the types of timeline entries, and no others but what ends a session from outside', () => {
    expect([...tableOf('Timeline').keys()].sort()).toEqual([...ENTRY_TYPES, 'cancelled'].sort());
  });

  it('lists what each node but end notes', () => {
    const types = NODE_TYPES.filter((type) => type !== 'end');
    expect([...tableOf('What a node notes').keys()].sort()).toEqual(types.sort());
  });

  it('lists the types of nodes, and no others', () => {
    expect(rows(/^### `([a-z_]+)`$/gm)).toEqual([...NODE_TYPES].sort());
  });

  it('shows a flow that can be published as it is', () => {
    const definition = JSON.parse(/```json\n([^]*?)```/.exec(docs)?.[1] ?? '') as unknown;
    const found = checkFlow(definition, { sessionTtlMinutes: 30, channel: '' });
    expect(found).toEqual({ errors: [], warnings: [], entryNodeId: 'start' });
  });
});
