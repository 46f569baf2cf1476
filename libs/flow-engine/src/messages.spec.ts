import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from './json-value.ts';
import { ask, chain, Conversation, entry, graph, node, say } from './testing/conversation.ts';

const sent = (data: object, context: JsonObject = {}) =>
  new Conversation(chain(node('hi', 'send_message', data)), { context });

describe('a message', () => {
  it('is asked for with its text, and told of in the timeline', () => {
    const conversation = sent({ text: 'Hello {{context.name}}' }, { name: 'Ada' });
    expect(conversation.last.effects).toEqual([
      {
        id: 's-1.2',
        nodeId: 'hi',
        type: 'message',
        text: 'Hello Ada',
        template: null,
        media: null,
        choices: [],
        waitId: 0,
      },
    ]);
    expect(conversation.last.timeline).toEqual([
      { number: 1, type: 'started', nodeId: 'start', handle: 'default', detail: {}, warnings: [] },
      {
        number: 2,
        type: 'node',
        nodeId: 'hi',
        handle: 'default',
        detail: { node: 'send_message', effect_id: 's-1.2', text: 'Hello Ada' },
        warnings: [],
      },
      { number: 3, type: 'completed', nodeId: 'hi', handle: '', detail: { outcome: '' }, warnings: [] },
    ]);
  });

  it('may be a template with variables', () => {
    const template = {
      name: 'cart_reminder',
      language: 'pt_BR',
      variables: { '1': '{{context.name | upper}}', ['__proto__']: 'x', total: '{{context.total}} €' },
    };
    const conversation = sent({ template }, { name: 'Ada' });
    expect(conversation.messages[0]).toMatchObject({
      text: '',
      template: {
        name: 'cart_reminder',
        language: 'pt_BR',
        variables: [
          ['1', 'ADA'],
          ['__proto__', 'x'],
          ['total', ' €'],
        ],
      },
    });
    expect(conversation.last.timeline[1]).toMatchObject({
      detail: { text: '', template: 'cart_reminder' },
      warnings: ['context.total has no value'],
    });
  });

  it('stays below the megabyte that NATS takes, however long its variables and text are', () => {
    const names = Array.from({ length: 32 }, (_, index) => `v${index}`);
    const variables = Object.fromEntries(names.map((name) => [name, '{{context.x}}']));
    const caption = { type: 'image', url: 'https://shop.example/{{context.x}}', caption: '{{context.x}}' };
    const template = { name: 'hello', language: 'en', variables };
    // Written as six characters each.
    const context = { x: '\u0001'.repeat(10_000) };
    for (const data of [{ template }, { text: '{{context.x}}', media: caption }]) {
      const [effect] = sent(data, context).last.effects;
      expect(Buffer.byteLength(JSON.stringify(effect))).toBeLessThan(900_000);
    }
    const conversation = sent({ template }, context);
    expect(conversation.messages[0]!.template!.variables[0]![1]).toHaveLength(4_096);
    expect(conversation.last.timeline[1]!.warnings).toContain('the text was cut after 4096 characters');
  });

  it('of a template without variables has none', () => {
    const conversation = sent({ template: { name: 'hello', language: 'en' } });
    expect(conversation.messages[0]?.template).toEqual({ name: 'hello', language: 'en', variables: [] });
  });

  it('may have media with a caption', () => {
    const media = {
      type: 'image',
      url: 'https://shop.example/{{context.id}}.png',
      caption: 'No. {{context.id}}',
    };
    const conversation = sent({ text: 'Look', media }, { id: 7 });
    expect(conversation.messages[0]).toMatchObject({
      text: 'Look',
      media: { type: 'image', url: 'https://shop.example/7.png', caption: 'No. 7' },
    });
    expect(conversation.last.timeline[1]?.detail).toMatchObject({ media: 'https://shop.example/7.png' });
    expect(
      sent({ text: 'x', media: { type: 'video', url: 'HTTPS://a.example' } }).messages[0]?.media,
    ).toEqual({
      type: 'video',
      url: 'HTTPS://a.example',
      caption: '',
    });
  });

  it.each(['file:///etc/passwd', 'javascript:alert(1)', '', ' https://a.example', 'ftp://a.example'])(
    'is sent without media whose address comes to %j, with a warning',
    (url) => {
      const conversation = sent({ text: 'Look', media: { type: 'image', url: '{{context.url}}' } }, { url });
      expect(conversation.messages[0]).toMatchObject({ text: 'Look', media: null });
      expect(conversation.last.timeline[1]?.detail).not.toHaveProperty('media');
      expect(conversation.warnings).toEqual([
        'the media was left out: its url starts with neither http:// nor https://',
      ]);
    },
  );

  it('is sent with media whose address is all template and leads to the web', () => {
    const media = { type: 'document', url: '{{context.url}}' };
    const conversation = sent({ text: 'Look', media }, { url: 'http://a.example/x.pdf' });
    expect(conversation.messages[0]?.media).toEqual({
      type: 'document',
      url: 'http://a.example/x.pdf',
      caption: '',
    });
  });
});

describe('a handoff', () => {
  it('is asked for with its queue and note, and goes on', () => {
    const definition = chain(
      node('desk', 'handoff', { queue: 'front', note: 'Of {{context.name}}{{context.x}}' }),
      node('end', 'end', { outcome: 'handed over' }),
    );
    const conversation = new Conversation(definition, { context: { name: 'Ada' } });
    expect(conversation.last.effects).toEqual([
      { id: 's-1.2', nodeId: 'desk', type: 'handoff', queue: 'front', note: 'Of Ada' },
    ]);
    expect(conversation.last.timeline[1]).toEqual({
      number: 2,
      type: 'node',
      nodeId: 'desk',
      handle: 'default',
      detail: { node: 'handoff', effect_id: 's-1.2', queue: 'front', note: 'Of Ada' },
      warnings: ['context.x has no value'],
    });
    expect(conversation.state.outcome).toBe('handed over');
  });

  it('may have no note', () => {
    const conversation = new Conversation(chain(node('desk', 'handoff', { queue: 'front' })));
    expect(conversation.last.effects[0]).toMatchObject({ note: '' });
  });
});

describe('an end', () => {
  it('completes the session with its outcome', () => {
    const conversation = new Conversation(chain(node('end', 'end', { outcome: 'bought' })));
    expect(conversation.state).toMatchObject({
      status: 'completed',
      nodeId: 'end',
      wait: null,
      outcome: 'bought',
      failure: null,
    });
    expect(conversation.last.timeline[1]).toEqual({
      number: 2,
      type: 'completed',
      nodeId: 'end',
      handle: '',
      detail: { outcome: 'bought' },
      warnings: [],
    });
  });

  it('may have no outcome', () => {
    expect(new Conversation(chain(node('end', 'end'))).state.outcome).toBe('');
  });

  it('is also where a handle has no edge', () => {
    expect(new Conversation(graph([entry])).story).toEqual(['started start default', 'completed start']);
  });
});

describe('the id of an effect', () => {
  it('is the session’s and the number of the entry that tells of it', () => {
    const definition = graph(
      [
        entry,
        say('a', 'x'),
        node('b', 'set', { tags_add: ['t'] }),
        node('c', 'handoff', { queue: 'q' }),
        ask('d'),
      ],
      'start -> a',
      'a -> b',
      'b -> c',
      'c -> d',
      'd.answered -> a',
    );
    const conversation = new Conversation(definition, { sessionId: '01J' });
    const seen: string[] = [];
    for (let round = 0; round < 3; round++) {
      const { effects, timeline } = conversation.last;
      for (const { id, nodeId } of effects) {
        const told = timeline.find(({ detail }) => detail['effect_id'] === id);
        expect([told?.nodeId, `01J.${told!.number}`]).toEqual([nodeId, id]);
      }
      seen.push(...effects.map(({ id }) => id));
      conversation.timeout().reply('on');
    }
    expect(seen).toHaveLength(12);
    expect(new Set(seen).size).toBe(12);
  });

  it('is the same however often the sprint is run', () => {
    const run = () => new Conversation(chain(say('a', 'x'), say('b', 'y'))).last.effects.map(({ id }) => id);
    expect(run()).toEqual(['s-1.2', 's-1.3']);
    expect(run()).toEqual(run());
  });
});
