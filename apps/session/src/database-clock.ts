import { Injectable } from '@nestjs/common';
import { Database } from '@parley/postgres';
import { BackgroundLoop, type Logger } from '@parley/service';

/** How often the clocks are compared. */
const INTERVAL_MS = 30_000;

/**
 * The database's clock, as near as a process can know it without asking each time. For what is shown of a first sprint;
 * what decides is asked of the database itself.
 */
@Injectable()
export class DatabaseClock {
  private readonly database: Database;
  private readonly loop: BackgroundLoop;
  /** The database's clock less ours. */
  private offsetMs = 0;

  constructor(database: Database, logger: Logger) {
    this.database = database;
    this.loop = new BackgroundLoop({
      name: 'Clock comparison',
      pauseMs: INTERVAL_MS,
      work: () => this.compare(),
      logger,
    });
  }

  /** Milliseconds since 1970. */
  now(): number {
    return Math.round(Date.now() + this.offsetMs);
  }

  start(): void {
    this.loop.start();
  }

  async stop(): Promise<void> {
    await this.loop.stop();
  }

  private async compare(): Promise<boolean> {
    const asked = Date.now();
    const [row] = await this.database.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    if (row) this.offsetMs = row.now.getTime() - (asked + Date.now()) / 2;
    return false;
  }
}
