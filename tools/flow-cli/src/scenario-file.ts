import { dirname, resolve } from 'node:path';
import { issueText } from '@parley/errors';
import type { HttpAnswer, JsonObject, SimulatedContact } from '@parley/flow-engine';
import { isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';
import { CommandError } from './command-error.ts';
import { readText, shown } from './file-paths.ts';
import { problemLines, type Path } from './problem-lines.ts';
import { scenarioFile, type ExpectedEnd, type ScenarioStep } from './scenario-schema.ts';

/** A file of scenarios. */
export interface ScenarioFile {
  /** Absolute. */
  path: string;
  /** The flow's file, absolute. */
  flow: string;
  scenarios: Scenario[];
}

export interface Scenario {
  name: string;
  startAt: number;
  context: JsonObject;
  contact: SimulatedContact;
  http: ReadonlyMap<string, HttpAnswer[]>;
  steps: ScenarioStep[];
  expect: ExpectedEnd;
}

/** @throws CommandError naming the file, and each line and place in it that is wrong */
export function readScenarioFile(path: string): ScenarioFile {
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { lineCounter: lines });
  const [error] = document.errors;
  if (error) throw new CommandError(`${shown(path)}: is no YAML: ${error.message.trimEnd()}`);
  keepTexts(document);
  const parsed = scenarioFile.safeParse(document.toJS(), { reportInput: true, error: issueText });
  if (!parsed.success) {
    const lineOf = (place: Path) => lineIn(document, lines, place);
    throw new CommandError(problemLines(shown(path), parsed.error.issues, lineOf).join('\n'));
  }
  const { flow, scenarios } = parsed.data;
  return { path, flow: resolve(dirname(path), flow), scenarios };
}

/** What is JSON, in which a number is one. */
const JSON_KEYS = ['context', 'metadata', 'body'];

/** What is a text stays as it is written: YAML makes the number 12 of 012, and one without its plus of a phone. */
function keepTexts(document: Document): void {
  visit(document, {
    Pair: (_key, { key }) =>
      isScalar(key) && JSON_KEYS.includes(String(key.value)) ? visit.SKIP : undefined,
    Scalar: (key, scalar) => {
      const { value, source } = scalar;
      if (key !== 'key' && typeof value === 'number' && source !== undefined && String(value) !== source)
        scalar.value = source;
    },
  });
}

/** The line of what is at fault, or of the nearest thing around it. */
function lineIn(document: Document, lines: LineCounter, path: Path): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
    if (Array.isArray(range)) return lines.linePos(range[0] as number).line;
  }
  return undefined;
}
