import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { SEEDED_FLOWS } from './seed.ts';

interface FlowFile {
  name: string;
  settings: { session_ttl_minutes: number };
  definition: {
    nodes: {
      id: string;
      type: string;
      data: { choices?: { id: string }[]; cases?: { id: string }[]; timeout_minutes?: number };
    }[];
    edges: { source: string; sourceHandle?: string; target: string }[];
  };
}

const read = (key: string): FlowFile =>
  JSON.parse(readFileSync(new URL(`../seed/${key}.json`, import.meta.url), 'utf8')) as FlowFile;

/** The handles of a node, as flows.md lists them; '' is the default one. */
function handlesOf({ type, data }: FlowFile['definition']['nodes'][number]): string[] {
  if (type === 'end') return [];
  if (type === 'condition') return [...(data.cases ?? []).map(({ id }) => id), 'else'];
  if (type === 'http_request') return ['success', 'failure'];
  if (type !== 'ask') return [''];
  return [...(data.choices?.map(({ id }) => id) ?? ['answered']), 'invalid', 'timeout'];
}

describe.each(SEEDED_FLOWS)('the seeded flow %s', (key) => {
  const { definition, settings } = read(key);

  it('has exactly one edge for every handle, to a node that exists', () => {
    const wanted = definition.nodes.flatMap((node) =>
      handlesOf(node).map((handle) => `${node.id}/${handle}`),
    );
    const drawn = definition.edges.map(({ source, sourceHandle = '' }) => `${source}/${sourceHandle}`);
    expect(drawn.toSorted()).toEqual(wanted.toSorted());
    const ids = new Set(definition.nodes.map(({ id }) => id));
    expect(definition.edges.filter(({ target }) => !ids.has(target))).toEqual([]);
  });

  it('has one entry, reaches every node, and no timeout as long as its sessions', () => {
    expect(definition.nodes.filter(({ type }) => type === 'entry')).toHaveLength(1);
    const targets = new Set(definition.edges.map(({ target }) => target));
    expect(definition.nodes.filter(({ id, type }) => type !== 'entry' && !targets.has(id))).toEqual([]);
    for (const { data } of definition.nodes) {
      expect(data.timeout_minutes ?? 0).toBeLessThan(settings.session_ttl_minutes);
    }
  });
});
