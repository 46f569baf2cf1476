import { describe, expect, it } from '@jest/globals';
import { compileFlow, flowWeight } from './index.ts';

const KIB = 1024;

function weightOf(type: string, data: object, count = 1): number {
  const nodes = Array.from({ length: count }, (_, n) => ({ id: `n${n}`, type, data }));
  const facts = { id: 'f', name: 'F', version: 1, sessionTtlMinutes: 30, channel: '' };
  return flowWeight(compileFlow({ nodes, edges: [] }, facts));
}

describe('the weight of a flow', () => {
  it('is about a KiB for an ordinary node', () => {
    const text = 'Hello {{contact.name}}, your cart {{context.cart_id}} is waiting for you.';
    const weight = weightOf('send_message', { text }, 1_000);
    expect(weight).toBeGreaterThan(500 * KIB);
    expect(weight).toBeLessThan(2_000 * KIB);
  });

  it('counts the programs of its patterns', () => {
    const matching = (right: string) =>
      weightOf('condition', { cases: [{ id: 'c', any: [{ left: 'a', op: 'matches', right }] }] });
    expect(matching('^\\d{4,6}$')).toBeLessThan(10 * KIB);
    expect(matching('[ab]*a[ab]{960}[cd]')).toBeGreaterThan(100 * KIB);
    expect(matching('\\p{L}'.repeat(50))).toBeGreaterThan(200 * KIB);
  });

  it('counts the parts of its texts', () => {
    expect(weightOf('send_message', { text: 'x'.repeat(4_000) })).toBeLessThan(6 * KIB);
    expect(weightOf('send_message', { text: '{{flow.a}}'.repeat(400) })).toBeGreaterThan(50 * KIB);
    expect(weightOf('send_message', { text: `{{flow.a${'|trim'.repeat(800)}}}` })).toBeGreaterThan(50 * KIB);
  });
});
