import { Logger } from '@parley/service';

/** A logger that keeps what it is told at warn and error, and writes nothing. */
export class Recorder extends Logger {
  readonly lines: string[] = [];

  constructor() {
    super('recorder', 'silent');
  }

  override warn(message: unknown): void {
    this.lines.push(String(message));
  }

  override error(message: unknown): void {
    this.lines.push(String(message));
  }
}
