import type { RequestTemplate } from '../load/load.ts';
import type { SystemProcess } from '../processes.ts';

/** What is asked for: a new phone each time, the same contact each time, or another stored contact each time. */
export const WORKLOADS = ['phone', 'duplicates', 'contact'] as const;

export type Workload = (typeof WORKLOADS)[number];

/** Stored contacts that each system has from the start, for the workload "contact". */
export const STORED_CONTACTS = 200_000;
/** Numbers from here on belong to no stored contact. */
export const FIRST_NEW_CONTACT = 10_000_000;

/** What a check found: how much, and what is wrong, if anything. */
export interface Check {
  text: string;
  ok: boolean;
}

/** Something that starts one run per flow and contact, recognises duplicates, and answers over HTTP. */
export interface System {
  readonly name: string;
  /** All of it; those of databases and brokers are told apart. */
  processes(): (SystemProcess & { kind: 'service' | 'database' | 'broker' })[];
  /** A flow that no contact has a run of. */
  newFlow(): Promise<string>;
  request(workload: Workload, flow: string): RequestTemplate;
  /** Waits until what is left to do after the answers is done, such as publishing events. */
  settle(): Promise<void>;
  /** Whether each of the started ids is what the answer said. */
  check(started: ReadonlySet<string>): Promise<Check[]>;
  stop(): Promise<void>;
}

/** The trigger call of Parley's REST interface, which the floor and DBOS's entry take as well. */
export function triggerRequest(
  origin: string,
  workload: Workload,
  flow: string,
  headers: Record<string, string> = {},
): RequestTemplate {
  const contact = {
    phone: { phone: '+{phone}' },
    duplicates: { phone: '+4915199999999' },
    contact: { contact_id: '{contact}' },
  }[workload];
  return {
    origin,
    path: '/api/v1/actions/trigger-flow',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      flow_id: flow,
      ...contact,
      context: { cart_id: '987654321', cart_total: '49.90' },
    }),
    started: { status: 201, contains: '"started"' },
    known: { status: 200, contains: '"already_running"' },
    idAfter: '{"id":"',
  };
}
