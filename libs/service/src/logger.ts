import type { LoggerService } from '@nestjs/common';
import { DomainError, messageOf } from '@parley/errors';
import { destination, pino, stdTimeFunctions, type Logger as PinoLogger } from 'pino';
import { currentRequest } from './request-context.ts';

/**
 * JSON lines on standard output: time, level, service, request and tenant id, message. Bodies, phones, tokens and
 * contexts are never passed to it; describeError drops what database errors quote of a row.
 */
export class Logger implements LoggerService {
  private readonly pino: PinoLogger;
  private readonly output = destination({ dest: 1, sync: true });
  private mayWait = false;
  private waiting = '';
  private flushing: NodeJS.Timeout | undefined;
  private flushAtExit: unknown;

  /** level: fatal, error, warn, info, debug, trace or silent. */
  constructor(service: string, level: string) {
    this.pino = pino(
      {
        level,
        base: { service },
        messageKey: 'message',
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        mixin: requestIds,
      },
      // Written at once: in order, and nothing is lost when the process dies.
      { write: (line) => this.write(line) },
    );
  }

  /**
   * A line of which there are very many, such as a request's: written within 50 ms together with others, or before the
   * next line of another kind; a process that is killed may lose it. At debug and below it is written at once.
   */
  often(message: string, fields: object): void {
    this.flushAtExit ??= process.once('exit', () => this.flush());
    this.mayWait = !this.pino.isLevelEnabled('debug');
    this.pino.info(fields, message);
    this.mayWait = false;
  }

  /** Also Nest's way to log: further arguments are a context name or a stack. */
  log(message: unknown, ...rest: unknown[]): void {
    this.pino.info(fields(rest), String(message));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.pino.warn(fields(rest), String(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.pino.error(fields(rest), String(message));
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.pino.fatal(fields(rest), String(message));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.pino.debug(fields(rest), String(message));
  }

  private write(line: string): void {
    this.waiting += line;
    if (!this.mayWait || this.waiting.length >= MAX_WAITING) this.flush();
    else this.flushing ??= setTimeout(() => this.flush(), MAX_WAIT_MS).unref();
  }

  private flush(): void {
    clearTimeout(this.flushing);
    this.flushing = undefined;
    if (this.waiting !== '') this.output.write(this.waiting);
    this.waiting = '';
  }
}

/** Characters. */
const MAX_WAITING = 16 * 1024;
const MAX_WAIT_MS = 50;

function requestIds(): object {
  const request = currentRequest();
  return request ? { request_id: request.requestId, tenant_id: request.tenantId } : {};
}

/** An error becomes `error`, an object its own fields, a string (Nest's) the context. Errors are described under any name. */
function fields(rest: unknown[]): object {
  const merged: Record<string, unknown> = {};
  for (const part of rest) {
    if (part instanceof Error) merged['error'] = part;
    else if (typeof part === 'string') merged['context'] = part;
    else if (typeof part === 'object' && part !== null) Object.assign(merged, part);
  }
  for (const [name, value] of Object.entries(merged)) {
    if (value instanceof Error) merged[name] = describeError(value);
  }
  return merged;
}

/** As long as a chain of causes is of use; one may lead back to itself. */
const MAX_CAUSES = 8;

/**
 * Name, code, message and stack. Not `detail`, `query` or `parameters`: they quote rows, which hold phones. What is an answer, such
 * as that something is away, is no fault of the code: it has no stack, nor have its causes, as there may be thousands a second.
 */
function describeError(error: unknown, causes = MAX_CAUSES, withStack = true): unknown {
  if (!(error instanceof Error)) return error;
  const { name } = error;
  const stack = withStack && !(error instanceof DomainError) ? error.stack : undefined;
  const code: unknown = (error as { code?: unknown }).code;
  const cause =
    error.cause === undefined || causes === 0
      ? undefined
      : describeError(error.cause, causes - 1, stack !== undefined);
  return { name, code, message: messageOf(error), stack, cause };
}
