import { DomainError, invalidFields } from '@parley/errors';
import { parseJson } from '@parley/json-limits';
import type { FastifyInstance } from 'fastify';

/** JSON lines: bulk routes read them as they come. */
export const NDJSON = 'application/x-ndjson';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads JSON objects as application/json, and nothing else (415). Keys such as `__proto__` stay keys: parseJson makes them own
 * properties, and nothing here copies bodies into other objects. An absent body is an empty object, so that the
 * answer names the fields that are missing.
 */
export function readJsonBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    let value: unknown;
    try {
      value = body.length === 0 ? {} : parseJson(utf8.decode(body as Buffer));
    } catch (error) {
      return done(
        new DomainError('invalid_argument', 'MALFORMED_BODY', 'The body is not JSON', { cause: error }),
      );
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return done(null, value);
    done(invalidFields([{ field: 'body', description: 'must be a JSON object' }]));
  });
  server.addContentTypeParser(NDJSON, (request, stream, done) => {
    if (request.route.bulk) return done(null, stream);
    done(new DomainError('invalid_argument', 'UNSUPPORTED_MEDIA_TYPE', 'Only bulk routes take JSON lines'));
  });
  // Without a Content-Type nothing is parsed.
  server.addHook('preValidation', (request, _reply, done) => {
    request.body ??= {};
    done();
  });
}
