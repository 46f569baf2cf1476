import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Remembers the last ids seen, also over a restart: one line each in a small file. */
export class SeenIds {
  readonly #file: string;
  readonly #keep: number;
  #ids: Set<string>;
  #lines = 0;

  /** @param keep how many ids are remembered; the file holds at most twice as many */
  constructor(file: string, keep = 10_000) {
    this.#file = file;
    this.#keep = keep;
    this.#ids = new Set(readLines(file).slice(-keep));
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    this.#rewrite();
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    this.#ids.add(id);
    appendFileSync(this.#file, `${id}\n`);
    this.#lines += 1;
    if (this.#lines >= this.#keep * 2) this.#rewrite();
  }

  #rewrite(): void {
    this.#ids = new Set([...this.#ids].slice(-this.#keep));
    writeFileSync(this.#file, [...this.#ids, ''].join('\n'), { mode: 0o600 });
    this.#lines = this.#ids.size;
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}
