/**
 * The `code` of an error of Node's own, such as ENOENT; undefined when it has none. It does not ask whether it is an
 * Error: in Jest, Node's errors are not instances of the test's Error.
 */
export function errorCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
