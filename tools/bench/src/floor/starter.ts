import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { RUNNING_ROWS, START_ROWS } from './start-rows.ts';

export interface Start {
  flowId: string;
  /** One of the two. */
  contactId: string | null;
  phone: string | null;
  context: object;
}

export interface Started {
  id: string;
  contactId: string;
  isNew: boolean;
}

interface Waiting {
  start: Start;
  resolve: (started: Started | undefined) => void;
  reject: (error: unknown) => void;
}

/** All who wait for the same flow and contact, and the contact, if it is known by now. */
interface Held {
  group: Waiting[];
  contactId: string | null;
}

/** The one tenant there is. */
export const FLOOR_TENANT = '01920000-0000-7000-8000-ffffffffffff';
/** Kept, as those of Parley's connections: else Postgres at times plans each batch anew, which takes it 1 ms. */
const PLANS = '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off';
const MAX_ITEMS = 256;
const CONNECTIONS = 2;
/** Batches at the same time may stand in each other's way; more often than this they do not. */
const MAX_ROUNDS = 5;

/** Natural batching on a few connections: what arrives while all are busy leaves together with the next batch. */
export class Starter {
  readonly #clients: readonly pg.Client[];
  readonly #idle: pg.Client[];
  readonly #flowName: string;
  #waiting: Waiting[] = [];
  #scheduled = false;

  private constructor(clients: pg.Client[], flowName: string) {
    this.#clients = clients;
    this.#idle = [...clients];
    this.#flowName = flowName;
  }

  static async connect(url: string, flowName: string): Promise<Starter> {
    const clients = Array.from({ length: CONNECTIONS }, () => {
      return new pg.Client({ connectionString: url, options: PLANS });
    });
    await Promise.all(clients.map((client) => client.connect()));
    return new Starter(clients, flowName);
  }

  /** Undefined: there is no such contact. */
  start(start: Start): Promise<Started | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ start, resolve, reject });
      this.#schedule();
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end()));
  }

  #schedule(): void {
    if (this.#scheduled || this.#idle.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#waiting.length > 0 && this.#idle.length > 0)
        void this.#send(this.#idle.pop() as pg.Client, this.#waiting.splice(0, MAX_ITEMS));
    });
  }

  async #send(client: pg.Client, batch: Waiting[]): Promise<void> {
    try {
      await this.#write(client, batch);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    this.#idle.push(client);
    if (this.#waiting.length > 0) this.#schedule();
  }

  async #write(client: pg.Client, batch: Waiting[]): Promise<void> {
    // The same contact twice in a batch: the first starts, the others find it running.
    const groups = new Map<string, Waiting[]>();
    for (const waiting of batch) {
      const key = `${waiting.start.flowId} ${waiting.start.contactId ?? waiting.start.phone}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [waiting]);
      else group.push(waiting);
    }
    let pending = [...groups.values()];
    for (let round = 1; pending.length > 0; round++) {
      if (round > MAX_ROUNDS) throw new Error('Other batches stood in the way too often');
      const held = await this.#startNew(client, pending);
      pending = held.length > 0 ? await this.#findRunning(client, held) : [];
    }
  }

  /** Gives those that something else holds back. */
  async #startNew(client: pg.Client, groups: Waiting[][]): Promise<Held[]> {
    const starts = groups.map(([first]) => (first as Waiting).start);
    const { rows } = await client.query<{ n: number; contactId: string | null; startedId: string | null }>({
      name: 'start',
      text: START_ROWS,
      values: parametersOf(starts, this.#flowName),
    });
    const held: Held[] = [];
    for (const { n, contactId, startedId } of rows) {
      const group = groups[n - 1] as Waiting[];
      if (contactId !== null && startedId !== null) settle(group, contactId, startedId, true);
      else if (contactId === null && starts[n - 1]?.phone === null)
        for (const { resolve } of group) resolve(undefined);
      else held.push({ group, contactId });
    }
    return held;
  }

  /** Gives those that have no running session: theirs has just ended, or another batch made their contact. */
  async #findRunning(client: pg.Client, held: Held[]): Promise<Waiting[][]> {
    const { rows } = await client.query<{ n: number; runningId: string }>({
      name: 'running',
      text: RUNNING_ROWS,
      values: [
        FLOOR_TENANT,
        held.map(({ group }) => (group[0] as Waiting).start.flowId),
        held.map(({ contactId }) => contactId),
      ],
    });
    const runningIds = new Map(rows.map(({ n, runningId }) => [n - 1, runningId]));
    return held.flatMap(({ group, contactId }, index) => {
      const id = runningIds.get(index);
      if (contactId === null || id === undefined) return [group];
      settle(group, contactId, id, false);
      return [];
    });
  }
}

function settle(group: Waiting[], contactId: string, id: string, isNew: boolean): void {
  for (const [index, { resolve }] of group.entries()) resolve({ id, contactId, isNew: isNew && index === 0 });
}

function parametersOf(starts: Start[], flowName: string): unknown[] {
  return [
    FLOOR_TENANT,
    flowName,
    starts.map(({ flowId }) => flowId),
    starts.map(({ contactId }) => contactId),
    starts.map(({ phone }) => phone),
    starts.map(({ context }) => JSON.stringify(context)),
    starts.map(() => uuidv7()),
    starts.map(() => uuidv7()),
    starts.map(() => uuidv7()),
  ];
}
