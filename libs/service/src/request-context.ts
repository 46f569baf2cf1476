import { AsyncLocalStorage } from 'node:async_hooks';

/** What is known of the request being served; every log line carries the ids. */
export interface RequestContext {
  /** The caller's X-Request-Id or one of ours; passed on to every service. */
  requestId: string;
  /** Set once the caller is known. */
  tenantId?: string;
  /** When the caller stops waiting, in milliseconds since the epoch; passed on to every service. */
  deadline?: number;
  /** Set when the caller has gone: what has not begun yet need not. */
  cancelled?: boolean;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** The request being served, or undefined outside one (start-up, background work). */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore();
}

/** Runs work as part of a request. */
export function runInRequest<T>(context: RequestContext, work: () => T): T {
  return storage.run(context, work);
}
