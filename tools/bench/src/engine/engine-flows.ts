/** entry, set, condition, send_message, ask: a sprint of five nodes, with templates in each that may have some. */
export const FIVE_NODES = {
  nodes: [
    { id: 'start', type: 'entry', data: {} },
    {
      id: 'set',
      type: 'set',
      data: { assign: { 'context.total': '{{context.cart_total | number: 2}}', 'context.greeted': true } },
    },
    {
      id: 'if',
      type: 'condition',
      data: {
        cases: [
          { id: 'small', all: [{ left: '{{context.total}}', op: 'lt', right: 20 }] },
          {
            id: 'large',
            all: [
              { left: '{{context.total}}', op: 'gte', right: 100 },
              { left: '{{context.currency}}', op: 'in', right: ['EUR', 'USD'] },
            ],
          },
        ],
      },
    },
    {
      id: 'hello',
      type: 'send_message',
      data: {
        text: 'Hello {{contact.name | default: "there"}}, your cart {{context.cart_id}} is kept for you.',
      },
    },
    {
      id: 'ask',
      type: 'ask',
      data: {
        text: 'It comes to {{context.total}} {{context.currency | upper}}. Finish your order?',
        choices: [
          { id: 'yes', title: 'Yes' },
          { id: 'no', title: 'No' },
        ],
        save_as: 'answer',
        timeout_minutes: 10,
      },
    },
  ],
  edges: [
    { source: 'start', target: 'set' },
    { source: 'set', target: 'if' },
    { source: 'if', sourceHandle: 'large', target: 'hello' },
    { source: 'hello', target: 'ask' },
  ],
};

/** So many nodes in a row, the five's over and over. */
export function chainOf(length: number): { nodes: object[]; edges: object[] } {
  const nodes = Array.from({ length }, (_, index) => {
    const { type, data } = FIVE_NODES.nodes[index === 0 ? 0 : 1 + (index % 4)]!;
    return { id: `n${index}`, type, data };
  });
  const handles: Record<string, string> = { condition: 'large', ask: 'yes' };
  const edges = nodes.slice(1).map(({ id }, index) => {
    const { id: source, type } = nodes[index]!;
    return { source, sourceHandle: handles[type] ?? 'default', target: id };
  });
  return { nodes, edges };
}
