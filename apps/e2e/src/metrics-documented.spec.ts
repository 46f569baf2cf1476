import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DOCUMENT = 'docs/observability.md';

/** The sources of everything that runs. */
function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !['dist', 'node_modules', 'testing', 'e2e', 'generated'].includes(entry.name))
      yield* sources(path);
    else if (/(?<!\.spec)\.ts$/.test(entry.name)) yield path;
  }
}

it(`${DOCUMENT} describes every metric there is, and no other, and its alerts look at those`, () => {
  const text = [...sources('apps'), ...sources('libs')].map((path) => readFileSync(join(ROOT, path), 'utf8'));
  const made = new Set(
    text.flatMap((source) => [...source.matchAll(/'(parley_\w+)'/g)].map(([, name]) => name!)),
  );
  const document = readFileSync(join(ROOT, DOCUMENT), 'utf8');
  const described = [...document.matchAll(/^\| `(parley_\w+)/gm)].map(([, name]) => name!);
  expect(described.toSorted()).toEqual([...made].toSorted());
  const named = [...document.matchAll(/parley_\w+/g)].map(([name]) =>
    name.replace(/_(bucket|count|sum)$/, ''),
  );
  expect(named.filter((name) => !made.has(name))).toEqual([]);
});
