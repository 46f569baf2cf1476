import { lookUp } from '../rest-surface.document.ts';
import { propertiesOf, type Route } from './operations.ts';

/** What an id can be of. */
export type Kind = 'flow' | 'contact' | 'session' | 'delivery';
export type Ids = Record<Kind, string>;

/** A request to a route in which one id is not the caller's. */
export interface ForeignRequest {
  route: Route;
  /** Where the id stands: `{id}`, `?flow_id`, `contact_id`, or `items[].flow_id` in a list of the body. */
  place: string;
  kind: Kind;
  /** The request with this id in that place, and the caller's own in the others. */
  with: (id: string, own: Ids) => { path: string; body?: object };
}

/** What else a path takes, each with what an own request has there. */
const NO_IDS: Record<string, string> = { '{version}': '1', '{kind}': 'webhook' };

/** Every place of a route that takes an id. Fails where it cannot tell whose id it is: then teach kindOf. */
export function foreignRequestsOf(route: Route): ForeignRequest[] {
  const query = route.parameters.filter(({ in: where, name }) => where === 'query' && isId(name));
  const places = [
    ...(route.template.match(/\{\w+\}/g) ?? []).filter((place) => !(place in NO_IDS)),
    ...query.map(({ name }) => `?${name}`),
    ...(route.body ? placesIn(route.body) : []),
  ];
  return places.map((place) => ({
    route,
    place,
    kind: kindOf(route, place),
    with: (id, own) => ({
      path: pathWith(route, place, id, own),
      ...(route.body && { body: bodyWith(route.body, route.examples, place, id, own) }),
    }),
  }));
}

/** Ids that name nothing of ours: a channel's message, a session's wait by its number, a sender at WhatsApp. */
const OTHER_IDS = ['message_id', 'wait_id', 'phone_number_id'];

const isId = (name: string): boolean => /(^|_)ids?$/.test(name) && !OTHER_IDS.includes(name);

/** The ids a body takes: as fields, and as fields of the objects in its lists. */
function placesIn(body: object): string[] {
  return Object.entries(propertiesOf(body)).flatMap(([name, schema]) => {
    if (isId(name)) return [name];
    return Object.keys(itemsOf(schema))
      .filter(isId)
      .map((field) => `${name}[].${field}`);
  });
}

function itemsOf(schema: object): Record<string, object> {
  const { items } = lookUp<{ items?: object }>(schema);
  return items ? propertiesOf(items) : {};
}

function kindOf({ template }: Route, place: string): Kind {
  if (template.startsWith('/api/v1/channels/{kind}/deliveries/{id}') && place === '{id}') return 'delivery';
  const found =
    place === '{id}'
      ? /^\/api\/v1\/(flow|contact|session)s\//.exec(template)
      : /^(?:\?|\w+\[\]\.)?(flow|contact|session)_id$/.exec(place);
  if (!found) throw new Error(`Whose id is ${place} of ${template}?`);
  return found[1] as Kind;
}

function pathWith(route: Route, place: string, id: string, own: Ids): string {
  const filled = route.template.replace(/\{(\w+)\}/g, (name) => {
    return NO_IDS[name] ?? (name === place ? id : own[kindOf(route, name)]);
  });
  return place.startsWith('?') ? `${filled}${place}=${id}` : filled;
}

/** The document's own example with our ids, and without a phone, which would name a contact another way. */
function bodyWith(schema: object, examples: object[], place: string, id: string, own: Ids): object {
  const [list, field] = place.split('[].');
  if (field !== undefined) {
    const items = (examples[0] as Record<string, object[]> | undefined)?.[list!] ?? [];
    const item = lookUp<{ items: object }>(propertiesOf(schema)[list!]!).items;
    return { [list!]: [bodyWith(item, items, field, id, own)] };
  }
  const example = (examples.find((one) => place in one) ?? examples[0] ?? {}) as Record<string, unknown>;
  const fields = { ...example };
  delete fields['phone'];
  for (const name of Object.keys(propertiesOf(schema)).filter(isId)) {
    fields[name] = name === place ? id : own[name.replace(/_id$/, '') as Kind];
  }
  return fields;
}
