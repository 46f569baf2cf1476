import type { Msg, NatsConnection } from '@nats-io/transport-node';
import type { GatewayClient } from './gateway-client.ts';

interface Triggered {
  id: string;
  status: string;
  flow_name: string;
}

interface Session {
  status: string;
  flow_id: string;
  flow_version: number;
  current_node_id: string;
  wait: { for: string; until: string | null } | null;
  outcome: string | null;
  failure: { code: string; message: string } | null;
}

interface Entry {
  number: number;
  at: string;
  type: string;
  node_id: string | null;
  handle: string | null;
  detail: Record<string, unknown>;
  warnings: string[];
}

interface Choice {
  title: string;
}

interface FlowVersion {
  definition: { nodes: { id: string; data?: { choices?: Choice[] } }[] };
}

interface ChatEvent {
  type: string;
  subject: string;
  data: {
    text?: string;
    template?: { name: string; variables?: { name: string; value: string }[] } | null;
    media?: { type: string; url: string; caption?: string } | null;
    wait_id?: number;
    choices?: Choice[];
  };
}

const PAGE = 100;
/** What an entry says of itself that a reader of the whole knows, or does not want to. */
const UNTOLD = ['node', 'effect_id', 'wait_id', 'valid'];

/** One session seen from its contact's side: the stack's events are shown as a phone would show them. */
export class Conversation {
  /** Resolves when the session has ended. */
  readonly ended: Promise<void>;
  readonly #client: GatewayClient;
  readonly #sessionId: string;
  readonly #print: (line: string) => void;
  #end: () => void = () => undefined;
  /** Resolves while something is asked that nobody has answered. */
  #asked = Promise.withResolvers<void>();

  private constructor(client: GatewayClient, sessionId: string, print: (line: string) => void) {
    this.#client = client;
    this.#sessionId = sessionId;
    this.#print = print;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  /** Triggers the flow and begins to show what happens. */
  static async begin(
    client: GatewayClient,
    connection: NatsConnection,
    { phone, flowId, context }: { phone: string; flowId: string; context: unknown },
    print: (line: string) => void,
  ): Promise<Conversation> {
    // Before the trigger, so that its first message is not missed.
    const early: Msg[] = [];
    let hear = (message: Msg): void => void early.push(message);
    // Called in the order in which they come, whatever the subject.
    for (const subject of ['session.>', 'message.requested'])
      connection.subscribe(subject, {
        callback: (error, message) => {
          if (!error) hear(message);
        },
      });
    await connection.flush();
    const body = { flow_id: flowId, phone, context };
    const { status, body: answer } = await client.call('POST', '/actions/trigger-flow', body);
    if (status > 201) throw new Error(`The flow was not started: ${JSON.stringify(answer)}`);
    const { id, status: result, flow_name } = answer as Triggered;
    print(`── ${flow_name}: ${result.replace('_', ' ')}, session ${id}`);
    const conversation = new Conversation(client, id, print);
    hear = (message) => conversation.#hear(message);
    for (const message of early) hear(message);
    if (result === 'already_running') await conversation.#showWhereItIs();
    return conversation;
  }

  /** Resolves while something is asked that nobody has answered. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  /** Sends what was typed, once something is asked: to this session, though another one may have asked the same phone later. */
  async answer(text: string): Promise<void> {
    await this.#asked.promise;
    this.#asked = Promise.withResolvers();
    this.#print(`you> ${text}`);
    const replies = `/sessions/${this.#sessionId}/replies`;
    const { result } = (await this.#client.expect(200, 'POST', replies, { text })) as { result: string };
    if (result === 'ignored') this.#print('── the session no longer waits for that');
  }

  async showTimeline(): Promise<void> {
    const { status, outcome, failure } = await this.#session();
    const how = failure ? `${failure.code}: ${failure.message}` : outcome && `outcome ${outcome}`;
    this.#print(`── ${status}${how ? `, ${how}` : ''}. What happened:`);
    for (const entry of await this.#timeline()) this.#print(formatEntry(entry));
  }

  #hear(message: Msg): void {
    const event = JSON.parse(message.string()) as ChatEvent;
    if (event.subject !== this.#sessionId) return;
    if (event.type === 'message.requested') this.#show(event.data);
    else if (/^session\.(completed|expired|failed|cancelled)$/.test(event.type)) this.#end();
    else if (event.type === 'session.handoff_requested') this.#print('── handed over to people');
  }

  #show({ text = '', template, media, choices = [], wait_id: waitId }: ChatEvent['data']): void {
    if (media) this.#print(`bot> [${media.type} ${media.url}]${media.caption ? ` ${media.caption}` : ''}`);
    if (template) {
      const values = (template.variables ?? []).map(({ name, value }) => `${name || 'value'}: ${value}`);
      this.#print(`bot> [template ${[template.name, ...values].join(', ')}]`);
    }
    if (text !== '') this.#print(`bot> ${text}`);
    this.#showChoices(choices);
    if (waitId) this.#asked.resolve();
  }

  #showChoices(choices: Choice[]): void {
    for (const [index, { title }] of choices.entries()) this.#print(`     ${index + 1}. ${title}`);
  }

  async #showWhereItIs(): Promise<void> {
    const [session, timeline] = [await this.#session(), await this.#timeline()];
    const { status, current_node_id: node, wait } = session;
    if (status !== 'running') return this.#end();
    const question = timeline.findLast(({ node_id, detail }) => node_id === node && 'text' in detail);
    if (question) this.#print(`bot> ${String(question.detail['text'])}`);
    if (wait?.for === 'reply') this.#showChoices(await this.#choicesAt(session));
    this.#print(`── it waits at ${node}${wait?.until ? ` until ${wait.until}` : ''}`);
    if (wait?.for === 'reply') this.#asked.resolve();
  }

  /** The timeline does not have them. Titles are as the flow has them, templates and all. */
  async #choicesAt({ flow_id, flow_version, current_node_id }: Session): Promise<Choice[]> {
    const version = await this.#client.expect(200, 'GET', `/flows/${flow_id}/versions/${flow_version}`);
    const { nodes } = (version as FlowVersion).definition;
    return nodes.find(({ id }) => id === current_node_id)?.data?.choices ?? [];
  }

  async #session(): Promise<Session> {
    return (await this.#client.expect(200, 'GET', `/sessions/${this.#sessionId}`)) as Session;
  }

  async #timeline(): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (let next: string | null = '0'; next !== null;) {
      const path: string = `/sessions/${this.#sessionId}/timeline?limit=${PAGE}&after=${next}`;
      const page = (await this.#client.expect(200, 'GET', path)) as { data: Entry[]; next: string | null };
      entries.push(...page.data);
      next = page.next;
    }
    return entries;
  }
}

function formatEntry({ number, at, type, node_id, handle, detail, warnings }: Entry): string {
  const where = [node_id, handle && `→ ${handle}`].filter(Boolean).join(' ');
  const told = Object.entries(detail)
    .filter(([key, value]) => !UNTOLD.includes(key) && value !== '' && value !== null)
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  return [
    `  ${String(number).padStart(2)}`,
    at.slice(11, 23),
    type.padEnd(11),
    where.padEnd(20),
    [...told, ...warnings.map((warning) => `(${warning})`)].join(', '),
  ]
    .join('  ')
    .trimEnd();
}
