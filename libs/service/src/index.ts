export { BackgroundLoop } from './background-loop.ts';
export { closeIdleLast } from './close-idle-last.ts';
export type { Lag } from './lag.ts';
export { Logger } from './logger.ts';
export { Metrics } from './metrics.ts';
export { metricsSettings, startMetricsServer, type MetricsServer } from './metrics-server.ts';
export { currentRequest, runInRequest, type RequestContext } from './request-context.ts';
export { runService, type RunningService } from './run.ts';
export {
  consumerName,
  flag,
  grpcPort,
  grpcTarget,
  logLevel,
  natsUrls,
  port,
  postgresUrl,
  readSettings,
  SettingsError,
  tlsFiles,
} from './settings.ts';
export { WorkingTime } from './working-time.ts';
