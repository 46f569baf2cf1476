/** A question that may be answered again and again. */
export const ASKING_AGAIN = {
  nodes: [
    { id: 'start', type: 'entry' },
    { id: 'ask', type: 'ask', data: { text: '?', input: { kind: 'text' } } },
  ],
  edges: [
    { source: 'start', target: 'ask' },
    { source: 'ask', sourceHandle: 'answered', target: 'ask' },
  ],
};
