import { describe, expect, it } from '@jest/globals';
import { scenarioFile } from './scenario-schema.ts';

const read = (steps: unknown[]) =>
  scenarioFile.safeParse({ flow: 'a.json', scenarios: [{ name: 'a', steps }] });

describe('a wait', () => {
  it.each([
    ['30s', 30],
    ['10m', 600],
    ['1h30m', 5_400],
    ['1d2h3m4s', 93_784],
    ['7d', 604_800],
  ])('of %s is %d s', (wait, seconds) => {
    expect(read([{ wait }]).data?.scenarios[0]?.steps).toEqual([
      { type: 'simulate', step: { type: 'wait', ms: seconds * 1_000 } },
    ]);
  });

  it.each(['0s', '7d1s', '10', '', 'm', '1.5h', '10 m', '5m5h', '-1m'])('of %j is refused', (wait) => {
    expect(read([{ wait }]).success).toBe(false);
  });
});

describe('steps', () => {
  it('may be 200 and as many expectations as one likes', () => {
    const steps = Array.from({ length: 200 }, () => [{ reply: 'a' }, { expect_node: 'b' }]).flat();
    expect(read(steps).success).toBe(true);
    expect(read([...steps, { expect_node: 'b' }]).success).toBe(true);
    expect(read([...steps, 'expire']).error?.issues).toMatchObject([{ path: ['scenarios', 0, 'steps'] }]);
  });

  it('take numbers and booleans as what was written', () => {
    const { data } = read([{ reply: 7 }, { choose: true }]);
    expect(data?.scenarios[0]?.steps).toEqual([
      { type: 'simulate', step: { type: 'reply', text: '7' } },
      { type: 'simulate', step: { type: 'choose', choice: 'true' } },
    ]);
  });
});
