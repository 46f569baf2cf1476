import { Logger } from './logger.ts';
import { logLevel, SettingsError } from './settings.ts';

/** A service that answers. */
export interface RunningService {
  /** Where it listens, host:port. */
  readonly address: string;
  /** Takes no new requests, finishes those accepted, closes everything. */
  close(): Promise<void>;
}

/** SIGTERM to exit, at most; what is still running then is cut off (P11 allows 10 s). */
const DRAIN_LIMIT_MS = 9_000;

/**
 * The life of a service process: start, serve, and on SIGTERM or SIGINT drain and exit 0. A failed start, a drain
 * past its limit or an error nobody caught exit 1, with the reason in the log.
 */
export async function runService(
  name: string,
  start: (logger: Logger, env: NodeJS.ProcessEnv) => Promise<RunningService>,
): Promise<void> {
  // What is wrong with the level is said with the other settings.
  const logger = new Logger(name, logLevel.catch('info').parse(process.env['LOG_LEVEL']));
  const crash = (error: unknown): never => {
    logger.fatal('Ended by an error nobody caught', { error });
    return process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  let service: RunningService;
  try {
    service = await start(logger, process.env);
  } catch (error) {
    if (error instanceof SettingsError) logger.fatal(error.message);
    else logger.fatal('Could not start', { error });
    return process.exit(1);
  }
  logger.log(`Listening on ${service.address}`);

  const signal = await new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  logger.log(`${signal}: draining`);
  setTimeout(() => {
    logger.error(`Still draining after ${DRAIN_LIMIT_MS} ms; giving up`);
    process.exit(1);
  }, DRAIN_LIMIT_MS).unref();
  await service.close();
  logger.log('Stopped');
  process.exit(0);
}
