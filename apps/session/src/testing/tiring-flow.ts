/** Texts that it takes longest to see that they do not match: tried from each place, with almost a thousand states. */
const CONTEXT = JSON.stringify({ text: 'ab'.repeat(2_000) });
const PATTERN = '[ab]*a[ab]{960}[cd]';

/** A flow that rests for a minute where it is to, and then takes as long to run as a flow may: some tens of milliseconds. */
export function tiringFlow(rests: boolean): { definition: string; context: string } {
  const tiring = {
    id: 'tiring',
    type: 'condition',
    data: {
      cases: ['a', 'b'].map((id) => ({
        id,
        all: [{ left: '{{context.text}}', op: 'matches', right: PATTERN }],
      })),
    },
  };
  const nodes = [
    { id: 'start', type: 'entry' },
    ...(rests ? [{ id: 'rest', type: 'delay', data: { minutes: 1 } }] : []),
    tiring,
    { id: 'end', type: 'delay', data: { minutes: 1440 } },
  ];
  const edges = nodes.slice(1).map(({ id }, n) => ({
    source: nodes[n]!.id,
    sourceHandle: nodes[n]!.id === 'tiring' ? 'else' : 'default',
    target: id,
  }));
  return { definition: JSON.stringify({ nodes, edges }), context: CONTEXT };
}
