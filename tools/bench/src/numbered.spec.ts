import { describe, expect, it } from '@jest/globals';
import { contactIdOf, phoneOf, template } from './numbered.ts';

describe('numbered contacts', () => {
  it('have phones and ids of one length, each its own', () => {
    expect(phoneOf(7)).toBe('4915100000007');
    expect(phoneOf(12_345_678)).toBe('4915112345678');
    expect(contactIdOf(255)).toBe('01920000-0000-7000-8000-0000000000ff');
  });

  it('fill every place of a template', () => {
    const fill = template('/{contact}/x {"phone":"+{phone}"}{phone}');
    expect(fill(3)).toBe('/01920000-0000-7000-8000-000000000003/x {"phone":"+4915100000003"}4915100000003');
    expect(template('the same')(1)).toBe('the same');
  });
});
