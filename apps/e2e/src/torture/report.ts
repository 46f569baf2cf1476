import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Findings } from './fault.ts';

const FOLDER = fileURLToPath(new URL('../../../../.parley/torture', import.meta.url));

/** One fault's turn. */
export interface Result extends Required<Findings> {
  number: number;
  title: string;
  seed: number;
  seconds: number;
  /** Why it could not be tried. */
  failure?: string;
}

/** What npm run torture leaves behind: .parley/torture/<time>.txt and .json, written anew after each fault. */
export class Report {
  private readonly seed: number;
  private readonly begun = new Date();
  private readonly results: Result[] = [];

  constructor(seed: number) {
    this.seed = seed;
  }

  get failed(): boolean {
    return this.results.some((result) => result.violations.length > 0 || result.failure !== undefined);
  }

  add(result: Result): void {
    this.results.push(result);
    this.write();
  }

  text(): string {
    const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
    const broken = this.results.filter(({ violations }) => violations.length > 0).length;
    const untried = this.results.filter(({ failure }) => failure !== undefined).length;
    return [
      `Torture of ${this.begun.toISOString()}, seed ${this.seed}, on ${machine}`,
      '',
      ...this.results.flatMap(lines),
      '',
      `${this.results.length} faults, ${broken} with violations, ${untried} that could not be tried`,
    ].join('\n');
  }

  write(): void {
    mkdirSync(FOLDER, { recursive: true });
    const file = join(FOLDER, this.begun.toISOString().replaceAll(':', '-'));
    writeFileSync(`${file}.txt`, `${this.text()}\n`);
    const { seed, begun, results } = this;
    writeFileSync(`${file}.json`, `${JSON.stringify({ seed, begun, results }, undefined, 2)}\n`);
  }
}

function lines(result: Result): string[] {
  const { number, title, seed, calls, violations, measured, failure } = result;
  const verdict = failure !== undefined ? 'NOT TRIED' : violations.length > 0 ? 'BROKEN' : 'held';
  return [
    `${String(number).padStart(2)}. ${verdict.padEnd(9)} ${String(result.seconds).padStart(5)} s  seed ${seed}  ${title}`,
    `    calls: ${listed(calls)}`,
    ...(Object.keys(measured).length > 0 ? [`    measured: ${listed(measured)}`] : []),
    ...violations.map(({ name, text }) => `    ${name}: ${text}`),
    ...(failure === undefined ? [] : [`    ${failure}`]),
  ];
}

function listed(values: Record<string, number | string>): string {
  const entries = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  return entries.join(', ') || 'none';
}
