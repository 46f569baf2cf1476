import { DomainError } from '@parley/errors';
import type { FastifyInstance } from 'fastify';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads application/json, and nothing else (415). Keys such as `__proto__` stay keys: JSON.parse makes them own
 * properties, and nothing here copies bodies into other objects. An absent body is an empty object, so that the
 * answer names the fields that are missing.
 */
export function readJsonBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, body.length === 0 ? {} : JSON.parse(utf8.decode(body as Buffer)));
    } catch (error) {
      done(new DomainError('invalid_argument', 'MALFORMED_BODY', 'The body is not JSON', { cause: error }));
    }
  });
}
