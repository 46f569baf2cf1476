import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { compileFlowFile, readFlowFile } from './flow-file.ts';
import { runScenario } from './run-scenario.ts';
import { EXPECTED_KEYS, SCENARIO_KEYS, scenarioFile, STEP_KEYS } from './scenario-schema.ts';

const text = readFileSync(new URL('../../../docs/flows.md', import.meta.url), 'utf8');
const section = text.slice(text.indexOf('\n## Scenarios\n'), text.indexOf('\n## Flows in git\n'));
const cart = fileURLToPath(new URL('../../local-stack/seed/abandoned_cart.json', import.meta.url));

describe('docs/flows.md', () => {
  it('shows scenarios that pass', () => {
    const [, yaml = ''] = /```yaml\n([^]*?)```/.exec(section) ?? [];
    const { scenarios } = scenarioFile.parse(parse(yaml));
    expect(scenarios.length).toBeGreaterThan(0);
    for (const scenario of scenarios) {
      expect(runScenario(compileFlowFile(readFlowFile(cart)), scenario).differences).toEqual([]);
    }
  });

  it('names every key that a scenario may have, and no other', () => {
    const named = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key);
    expect(named.sort()).toEqual([...SCENARIO_KEYS, ...STEP_KEYS, ...EXPECTED_KEYS].sort());
  });
});
