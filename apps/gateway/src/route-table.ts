import type { RouteOptions } from 'fastify';
import type { AccessRule } from './auth/access.ts';

export interface Route {
  method: string;
  /** As it was declared: /api/v1/flows/:id */
  url: string;
  access: AccessRule | undefined;
}

/** The routes there are: to tell a wrong method from a wrong path, and to hold tests and documents against. */
export class RouteTable {
  readonly routes: Route[] = [];

  /** Fastify's onRoute hook. HEAD routes come with their GET. */
  add(options: RouteOptions): void {
    for (const method of [options.method].flat()) {
      if (method !== 'HEAD') this.routes.push({ method, url: options.url, access: options.config?.access });
    }
  }

  /** The methods a path takes; none for a path that does not exist. */
  methodsOf(url: string): string[] {
    const path = url.split('?', 1)[0]!;
    return this.routes.filter((route) => matches(route.url, path)).map((route) => route.method);
  }
}

function matches(pattern: string, path: string): boolean {
  const expected = pattern.split('/');
  const given = path.split('/');
  return (
    expected.length === given.length &&
    expected.every((part, index) => (part.startsWith(':') ? given[index] !== '' : part === given[index]))
  );
}
