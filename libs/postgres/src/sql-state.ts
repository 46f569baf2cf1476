/** serialization_failure, deadlock_detected, lock_not_available. */
const CONFLICTS = ['40001', '40P01', '55P03'];

/** A server that takes no writes, such as a standby. */
const READ_ONLY = '25006';
const DISK_FULL = '53100';
/**
 * connection exceptions, no writes, a login that is refused (while a password changes), insufficient resources, operator
 * intervention (57014 is a statement past its time), errors of the server's system, and what the operating system and the
 * driver say of a connection that is gone.
 */
const AWAY_STATES = /^(08(?!P01)|25006|28|53|57|58)/;
const AWAY_ERRNOS = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
];
const AWAY_MESSAGES =
  /timeout exceeded when trying to connect|not currently accepting connections|Connection terminated|Query read timeout|not queryable/;

const UNIQUE_VIOLATION = '23505';
const UNDEFINED_TABLE = '42P01';

/** Whether the transaction lost to another one and may be run again. */
export function isConflict(error: unknown): boolean {
  return CONFLICTS.includes(codeOf(error));
}

/** Whether the database could not be reached or did not answer in time. */
export function isAway(error: unknown): boolean {
  const code = codeOf(error);
  if (AWAY_STATES.test(code) || AWAY_ERRNOS.includes(code)) return true;
  return error instanceof Error && AWAY_MESSAGES.test(error.message);
}

/** Whether the server takes no writes, where another one may: no connection to it is worth keeping. */
export function isReadOnly(error: unknown): boolean {
  return codeOf(error) === READ_ONLY;
}

/** Whether the server's disk is full. It takes no more rows then, and says nothing of it when it is asked how it is. */
export function isDiskFull(error: unknown): boolean {
  return codeOf(error) === DISK_FULL;
}

/** Whether a row was refused because another holds its key. */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === UNIQUE_VIOLATION;
}

export function isUndefinedTable(error: unknown): boolean {
  return codeOf(error) === UNDEFINED_TABLE;
}

/** SQLSTATE or errno; TypeORM keeps the driver's error inside its own. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { code, driverError } = error as { code?: unknown; driverError?: unknown };
  if (typeof code === 'string') return code;
  return driverError === undefined ? '' : codeOf(driverError);
}
