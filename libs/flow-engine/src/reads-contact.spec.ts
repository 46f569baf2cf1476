import { describe, expect, it } from '@jest/globals';
import { readsContact } from './reads-contact.ts';

const saying = (text: string) => ({ nodes: [{ id: 'a', type: 'send_message', data: { text } }], edges: [] });

describe('readsContact', () => {
  it.each(['Hello {{contact.name}}', '{{ context.a }} {{ contact.tags | json }}'])(
    'finds it in %s',
    (text) => {
      expect(readsContact(saying(text))).toBe(true);
    },
  );

  it.each(['Hello', 'contact.name', '{{context.contact}}', '{{contact'])('finds none in %s', (text) => {
    expect(readsContact(saying(text))).toBe(false);
  });
});
