import { readFileSync } from 'node:fs';

/** docs/flows.md. */
export const docs = readFileSync(new URL('../../../../docs/flows.md', import.meta.url), 'utf8');

/** A section's table: by each name in the first column, the names in the last. */
export function tableOf(section: string): Map<string, string[]> {
  const text = docs.split(/\n##+ /).find((part) => part.startsWith(`${section}\n`)) ?? '';
  const table = new Map<string, string[]>();
  for (const [line] of text.matchAll(/^\| `.*\|$/gm)) {
    const cells = line.split('|').slice(1, -1);
    for (const name of namesIn(cells[0])) table.set(name, namesIn(cells.at(-1)));
  }
  return table;
}

function namesIn(cell = ''): string[] {
  return [...cell.matchAll(/`([A-Za-z_]+)`/g)].map(([, name]) => name!);
}
