/** Nobody is made to wait longer by another's clock. */
const MAX_SECONDS = 3_600;

/** What a Retry-After header asks for: seconds, or a date. Nothing where it asks for nothing that can be read. */
export function retryAfterSeconds(header: string | undefined): { afterSeconds?: number } {
  if (header === undefined) return {};
  const seconds = /^\d{1,9}$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1_000;
  return Number.isFinite(seconds) ? { afterSeconds: Math.min(Math.max(0, seconds), MAX_SECONDS) } : {};
}
