import { document, lookUp, type Operation } from '../rest-surface.document.ts';

export interface Parameter {
  name: string;
  in: 'path' | 'query';
  schema: object;
}

/** A route of the document, with what it takes. */
export interface Route {
  method: string;
  /** /api/v1/flows/{id} */
  template: string;
  parameters: Parameter[];
  /** The schema of its JSON body; undefined where the document shows none. */
  body: object | undefined;
  /** The bodies the document shows. */
  examples: object[];
  isPublic: boolean;
}

type PathItem = Record<string, Operation> & { parameters?: object[] };

/** Every route of apps/gateway/openapi.yaml. */
export const ROUTES: Route[] = Object.entries(document.paths as Record<string, PathItem>).flatMap(
  ([template, { parameters = [], ...operations }]) =>
    Object.entries(operations as Record<string, Operation>).map(([method, operation]) => {
      const media = operation.requestBody?.content['application/json'];
      const several = Object.values((media?.examples ?? {}) as Record<string, { value: object }>);
      return {
        method: method.toUpperCase(),
        template,
        parameters: [...parameters, ...(operation.parameters ?? [])].map((one) => lookUp<Parameter>(one)),
        body: media?.schema,
        examples: [...(media?.example ? [media.example] : []), ...several.map(({ value }) => value)],
        isPublic: operation.security?.length === 0,
      };
    }),
);

export const nameOf = ({ method, template }: Route): string => `${method} ${template}`;

/** A schema of the document with its $ref and allOf followed, as far as a body's outermost fields. */
export function propertiesOf(schema: object): Record<string, object> {
  const { properties = {}, allOf = [] } = lookUp<{ properties?: Record<string, object>; allOf?: object[] }>(
    schema,
  );
  return Object.assign({}, ...allOf.map(propertiesOf), properties) as Record<string, object>;
}
