import type { Answer } from './cluster.ts';
import type { DocumentedGateway } from './rest-surface.document.ts';

export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/;

/** Something with an id, as the gateway shows it. */
export type View = Record<string, unknown> & { id: string };

let phones = 0;

export const newPhone = (): string => `+1415666${String((phones += 1)).padStart(4, '0')}`;

/** The body of an answer with the status that was hoped for. */
export async function expectStatus<T = View>(status: number, asked: Promise<Answer>): Promise<T> {
  const answer = await asked;
  if (answer.status !== status) throw new Error(`${answer.status} instead of ${status}: ${answer.text}`);
  return answer.body as T;
}

export const ok = <T = View>(asked: Promise<Answer>): Promise<T> => expectStatus<T>(200, asked);

/** The fields a validation error names. */
export async function fieldsOf(asked: Promise<Answer>): Promise<string[]> {
  return Object.keys((await expectStatus<{ errors: object }>(422, asked)).errors);
}

export function createContact(gateway: DocumentedGateway, fields: object = {}): Promise<View> {
  return expectStatus(201, gateway.post('/actions/create-contact', { phone: newPhone(), ...fields }));
}

export function trigger(gateway: DocumentedGateway, body: object): Promise<View> {
  return expectStatus(201, gateway.post('/actions/trigger-flow', body));
}

/** All pages, one after the other. The path has a query. */
export async function pages(gateway: DocumentedGateway, path: string): Promise<View[][]> {
  const found: View[][] = [];
  for (let after = ''; ;) {
    const page = await ok<{ data: View[]; next: string | null }>(gateway.get(`${path}&after=${after}`));
    found.push(page.data);
    if (page.next === null) return found;
    after = encodeURIComponent(page.next);
  }
}
