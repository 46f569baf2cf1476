import { DomainError, invalidFields } from '@parley/errors';
import { parseJson } from '@parley/json-limits';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** JSON lines: bulk routes read them as they come. */
export const NDJSON = 'application/x-ndjson';

const ENCODED = 'Only UTF-8 is read, and nothing compressed';
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads JSON objects as application/json, in UTF-8, not compressed, and nothing else (415). Keys such as `__proto__` stay
 * keys: parseJson makes them own properties, and nothing here copies bodies into other objects. An absent body is an empty object, so that the
 * answer names the fields that are missing.
 */
export function readJsonBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (isEncoded(request)) return done(unsupported(ENCODED));
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
    if (isEncoded(request)) return done(unsupported(ENCODED));
    if (request.route.bulk) return done(null, stream);
    done(unsupported('Only bulk routes take JSON lines'));
  });
  // Without a Content-Type nothing is parsed.
  server.addHook('preValidation', (request, _reply, done) => {
    request.body ??= {};
    done();
  });
}

function unsupported(message: string): DomainError {
  return new DomainError('invalid_argument', 'UNSUPPORTED_MEDIA_TYPE', message);
}

/** Compressed, or in another character set than the one of JSON. */
function isEncoded({ headers }: FastifyRequest): boolean {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8';
  const encoding = headers['content-encoding'] ?? 'identity';
  return !/^(?:utf-?8|us-ascii)$/i.test(charset) || !/^\s*identity\s*$/i.test(encoding);
}
