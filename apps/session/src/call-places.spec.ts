import { expect, it } from '@jest/globals';
import { CallPlaces } from './call-places.ts';

const takeAll = (places: CallPlaces, tenantId: string, host: string): number => {
  for (let taken = 0; ; taken++) if (!places.take({ tenantId, host })) return taken;
};

it('gives 16 to a host, and as many again when they are left', () => {
  const places = new CallPlaces();
  expect(takeAll(places, 'a', 'one')).toBe(16);
  for (let n = 0; n < 16; n++) places.leave({ tenantId: 'a', host: 'one' });
  expect(takeAll(places, 'a', 'one')).toBe(16);
});

it('leaves some for the next host of a tenant, and the next tenant, whatever those before keep', () => {
  const places = new CallPlaces();
  const ofHosts = ['one', 'two', 'three', 'four', 'five'].map((host) => takeAll(places, 'a', host));
  expect(ofHosts).toEqual([16, 16, 12, 4, 2]);
  // One with hosts beyond number has half of all.
  expect(Array.from({ length: 200 }, (_, n) => takeAll(places, 'a', `${n}`)).reduce((a, b) => a + b)).toBe(0);
  const ofTenants = ['b', 'c', 'd'].map((tenant) => takeAll(places, tenant, 'one'));
  expect(ofTenants.every((taken) => taken > 0)).toBe(true);
});
