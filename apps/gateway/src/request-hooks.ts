import { randomUUID } from 'node:crypto';
import { runInRequest, type RequestContext } from '@parley/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Authenticator } from './auth/authenticator.ts';

/** From a request's arrival to its answer, at most (P10). */
const DEADLINE_MS = 2_000;
/** What a caller's own id may look like. */
const SANE_ID = /^[\w.:-]{1,128}$/;

/** What happens to every request before its body is read: its id, its deadline, its caller. */
export function addRequestHooks(server: FastifyInstance, authenticator: Authenticator): void {
  const contexts = new WeakMap<FastifyRequest, RequestContext>();

  server.addHook('onRequest', (request, reply, done) => {
    const given = request.headers['x-request-id'];
    const requestId = typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID();
    const context: RequestContext = { requestId, deadline: Date.now() + DEADLINE_MS };
    contexts.set(request, context);
    reply.header('X-Request-Id', requestId);
    runInRequest(context, () => {
      if (request.is404) return done();
      authenticator.admit(request, reply).then(() => {
        if (request.caller) context.tenantId = request.caller.tenantId;
        done();
      }, done);
    });
  });

  // Reading the body leaves the context; this takes it up again.
  server.addHook('preHandler', (request, _reply, done) => runInRequest(contexts.get(request)!, done));
}
