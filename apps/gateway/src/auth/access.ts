import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import type { Caller } from './caller.ts';

/** What a token may be allowed to do. */
export const SCOPES = [
  'trigger',
  'flows:read',
  'flows:write',
  'contacts:read',
  'contacts:write',
  'sessions:read',
  'sessions:write',
  'channels:read',
  'channels:write',
] as const;

export type Scope = (typeof SCOPES)[number];

/** `public`: no token needed. `token`: any token will do. */
export type AccessRule = Scope | 'public' | 'token';

export interface RequestRoute {
  /** Its pattern; undefined where no route takes the path. */
  url: string | undefined;
  access: AccessRule | undefined;
  bulk: boolean;
}

export function routeOf({ routeOptions: { url, config } }: FastifyRequest): RequestRoute {
  return { url, access: config.access, bulk: config.bulk === true };
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: AccessRule;
    /** Takes larger bodies, and JSON lines without end. */
    bulk?: boolean;
  }
  interface FastifyRequest {
    caller?: Caller;
    /** Its route. Fastify's own request.routeOptions is made anew each time it is asked. */
    route: RequestRoute;
  }
}

/** Who may call a route. A route that does not say is closed. */
export function Access(rule: AccessRule, options: { bulk?: boolean } = {}): MethodDecorator & ClassDecorator {
  return RouteConfig({ access: rule, ...options });
}

/** The caller, on every route that is not public. */
export const CurrentCaller = createParamDecorator((_data: unknown, context: ExecutionContext): Caller =>
  callerOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** The caller of a route that is not public. */
export function callerOf({ caller }: FastifyRequest): Caller {
  if (!caller) throw new Error('A public route has no caller');
  return caller;
}
