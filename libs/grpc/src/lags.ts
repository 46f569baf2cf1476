import { Metadata } from '@grpc/grpc-js';
import { BackgroundLoop, type Lag, type Logger, type Metrics } from '@parley/service';

const READ_INTERVAL_MS = 1_000;
/** In the trailers of a health check: "events 75.2 60, expiry unknown 30". */
const TRAILER = 'parley-lag';

/** What one part of a service says of itself. seconds is undefined while it cannot be read. */
export interface LagReading {
  part: string;
  seconds: number | undefined;
  limitSeconds: number;
}

/** Reads a service's lags once a second, and tells those who ask without asking the database again. */
export class Lags {
  private readonly lags: Lag[];
  private readonly seconds = new Map<Lag, number>();
  private readonly loop: BackgroundLoop;

  /** onRead: told of all after each round. */
  constructor(
    lags: Lag[],
    options: { metrics: Metrics; logger: Logger; onRead: (readings: LagReading[]) => void },
  ) {
    this.lags = lags;
    const { metrics, logger, onRead } = options;
    for (const lag of lags) metrics.gauge(lag.metric, lag.help, () => this.seconds.get(lag), 0);
    this.loop = new BackgroundLoop({
      name: 'Reading of lags',
      pauseMs: READ_INTERVAL_MS,
      logger,
      work: async () => {
        const results = await Promise.allSettled(lags.map((lag) => this.read(lag)));
        onRead(this.readings);
        const failure = results.find((result) => result.status === 'rejected');
        if (failure) throw failure.reason;
        return false;
      },
    });
  }

  get readings(): LagReading[] {
    return this.lags.map((lag) => ({
      part: lag.part,
      seconds: this.seconds.get(lag),
      limitSeconds: lag.limitSeconds,
    }));
  }

  start(): void {
    if (this.lags.length > 0) this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
  }

  private async read(lag: Lag): Promise<void> {
    try {
      this.seconds.set(lag, await lag.read());
    } catch (error) {
      this.seconds.delete(lag);
      throw error;
    }
  }
}

/** Whether a part is within its limit; one that cannot be read is not. */
export function isInTime({ seconds, limitSeconds }: LagReading): boolean {
  return seconds !== undefined && seconds <= limitSeconds;
}

export function lagTrailers(readings: LagReading[]): Metadata {
  const trailers = new Metadata();
  const values = readings.map(
    ({ part, seconds, limitSeconds }) => `${part} ${seconds?.toFixed(1) ?? 'unknown'} ${limitSeconds}`,
  );
  if (values.length > 0) trailers.set(TRAILER, values.join(', '));
  return trailers;
}

/** The lags of the service that answered a health check with these trailers. */
export function readLagTrailers(trailers: Metadata): LagReading[] {
  const values = trailers.get(TRAILER)[0]?.toString().split(', ') ?? [];
  return values.map((value) => {
    const [part = '', seconds, limit] = value.split(' ');
    return {
      part,
      seconds: seconds === 'unknown' ? undefined : Number(seconds),
      limitSeconds: Number(limit),
    };
  });
}
