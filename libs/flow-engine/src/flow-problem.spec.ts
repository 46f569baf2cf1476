import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { checkFlow } from './check-flow.ts';
import { NODE_TYPES } from './flow-node.ts';
import { FLOW_ERROR_CODES, FLOW_WARNING_CODES } from './flow-problem.ts';
import { FAILURE_CODES } from './session-state.ts';

const docs = readFileSync(new URL('../../../docs/flows.md', import.meta.url), 'utf8');
const rows = (pattern: RegExp) => [...docs.matchAll(pattern)].map(([, first]) => first).sort();

describe('docs/flows.md', () => {
  it('lists the errors of the code, and no others', () => {
    expect(rows(/^\| `([A-Z_]+)` \| error \|/gm)).toEqual([...FLOW_ERROR_CODES].sort());
  });

  it('lists the warnings of the code, and no others', () => {
    expect(rows(/^\| `([A-Z_]+)` \| warning \|/gm)).toEqual([...FLOW_WARNING_CODES].sort());
  });

  it('lists the codes of failures, and no others', () => {
    expect(rows(/^\| `([A-Z_]+)` \| failure \|/gm)).toEqual([...FAILURE_CODES].sort());
  });

  it('lists the types of nodes, and no others', () => {
    expect(rows(/^### `([a-z_]+)`$/gm)).toEqual([...NODE_TYPES].sort());
  });

  it('shows a flow that can be published as it is', () => {
    const definition = JSON.parse(/```json\n([^]*?)```/.exec(docs)?.[1] ?? '') as unknown;
    const found = checkFlow(definition, { sessionTtlMinutes: 30 });
    expect(found).toEqual({ errors: [], warnings: [], entryNodeId: 'start' });
  });
});
