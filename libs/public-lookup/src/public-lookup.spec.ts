import type { LookupAddress } from 'node:dns';
import { describe, expect, it } from '@jest/globals';
import { AddressRefusedError, publicLookup, type Resolve } from './public-lookup.ts';

const PUBLIC = { address: '93.184.215.14', family: 4 };

/** A name server that leads every name to these addresses. */
const leadingTo =
  (...addresses: LookupAddress[]): Resolve =>
  (_hostname, _options, callback) =>
    callback(null, addresses);

/** What a connection that asks for all addresses, or for one, is given. */
function ask(lookup: ReturnType<typeof publicLookup>, hostname: string, all = true): Promise<unknown> {
  return new Promise((resolve, reject) => {
    lookup(hostname, { all }, (error, address, family) => {
      if (error) reject(error);
      else resolve(all ? address : { address, family });
    });
  });
}

describe('a look-up', () => {
  it('gives the addresses of a name that leads to the internet, or the first', async () => {
    const second = { address: '2606:2800:21f:cb07:6820:80da:af6b:8b2c', family: 6 };
    const lookup = publicLookup(undefined, leadingTo(PUBLIC, second));
    expect(await ask(lookup, 'shop.example')).toEqual([PUBLIC, second]);
    expect(await ask(lookup, 'shop.example', false)).toEqual(PUBLIC);
  });

  it.each([
    ['this machine', { address: '127.0.0.1', family: 4 }],
    ['this machine by IPv6', { address: '::1', family: 6 }],
    ['a private network', { address: '10.1.2.3', family: 4 }],
    ['a private network by a mapped address', { address: '::ffff:192.168.0.1', family: 6 }],
    ['a metadata service', { address: '169.254.169.254', family: 4 }],
  ])('refuses a name that leads to %s, alone or among others', async (_where, address) => {
    for (const addresses of [[address], [PUBLIC, address]]) {
      const asked = ask(publicLookup(undefined, leadingTo(...addresses)), 'shop.example');
      await expect(asked).rejects.toBeInstanceOf(AddressRefusedError);
    }
  });

  it('refuses a name that leads nowhere', async () => {
    await expect(ask(publicLookup(undefined, leadingTo()), 'x.example')).rejects.toThrow(AddressRefusedError);
  });

  it('gives a name the address that the operator has decided on, and only that name', async () => {
    const lookup = publicLookup(new Map([['crm.example', '10.0.0.5']]), leadingTo(PUBLIC));
    expect(await ask(lookup, 'crm.example', false)).toEqual({ address: '10.0.0.5', family: 4 });
    expect(await ask(lookup, 'www.crm.example', false)).toEqual(PUBLIC);
  });

  it('fails as the name server does', async () => {
    const failing: Resolve = (_hostname, _options, callback) =>
      callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
    await expect(ask(publicLookup(undefined, failing), 'x.example')).rejects.toMatchObject({
      code: 'ENOTFOUND',
    });
  });
});
