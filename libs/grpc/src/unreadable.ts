import type { ServiceDefinition } from '@grpc/grpc-js';
import { invalidFields } from '@parley/errors';

/** Stands in the place of a request whose bytes are no message of its type. */
const UNREADABLE = Symbol('unreadable request');

/** The definition with requests read so that bytes nobody can read are refused by us; gRPC would call them INTERNAL. */
export function readable(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer): unknown => {
      try {
        return method.requestDeserialize(bytes) as unknown;
      } catch {
        return UNREADABLE;
      }
    };
    return [name, { ...method, requestDeserialize }];
  });
  return Object.fromEntries(methods) as ServiceDefinition;
}

/** Fails with INVALID_FIELD where a request could not be read. */
export function refuseUnreadable(request: unknown): void {
  if (request === UNREADABLE)
    throw invalidFields([{ field: 'request', description: 'is no message of this type' }]);
}
