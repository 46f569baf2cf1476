import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SearchContactsRequest } from '@parley/contracts/contact';
import { Database } from '@parley/postgres';
import { rowsReadBy } from '@parley/testing';
import { v7 as uuidv7 } from 'uuid';
import { ContactEntity } from './contact.entity.ts';
import { ContactService } from './contact.service.ts';
import { ContactApp } from './testing/contact-app.ts';

let app: ContactApp;
const tenant = uuidv7();

/** In the order they are created. */
const CONTACTS = [
  { phone: '+14155550101', name: 'Ann Lee', email: 'ann@example.com', tags: ['vip', 'fr'] },
  { phone: '+14155550102', name: 'Bob 100%', email: 'bob_b@example.com', tags: ['vip'] },
  { phone: '+14155550103', name: 'bobby 1000', email: 'bobxb@example.org', tags: [] },
  { phone: '+33612345678', name: 'Zoé \\o/', email: 'ANN@example.com', tags: ['VIP', 'fr'] },
];

beforeAll(async () => {
  app = await ContactApp.create();
  for (const { phone, name, email, tags } of CONTACTS) {
    await app.add(tenant, phone, { name, email, tags: { tags } });
  }
  await app.add(uuidv7(), '+14155550101', { name: 'Ann of another tenant', tags: { tags: ['vip'] } });
});
afterAll(() => app.close());

describe('searching contacts', () => {
  const [ann, bob, bobby, zoe] = ['Ann Lee', 'Bob 100%', 'bobby 1000', 'Zoé \\o/'];

  it.each<[string, Partial<SearchContactsRequest>, (string | undefined)[]]>([
    ['all, newest first, without a filter', {}, [zoe, bobby, bob, ann]],
    ['those whose name contains the query, in any case', { query: 'BOB' }, [bobby, bob]],
    ['those whose email contains the query', { query: 'example.ORG' }, [bobby]],
    ['those whose phone contains the query', { query: '5550' }, [bobby, bob, ann]],
    ['those whose phone is the query, plus sign and all', { query: '+336' }, [zoe]],
    ['those whose phone it is as people write it', { query: ' +1 (415) 555-0102' }, [bob]],
    ['those whose phone holds it as people write it', { query: '415-555.01' }, [bobby, bob, ann]],
    ['none where % is no character of theirs', { query: '1%0' }, []],
    ['those that hold a literal %', { query: '100%' }, [bob]],
    ['those that hold a literal _', { query: 'bob_b' }, [bob]],
    ['those that hold a literal backslash', { query: '\\o' }, [zoe]],
    ['none for a quote that would end the SQL', { query: "' OR true --" }, []],
    ['those with an accent', { query: 'zoé' }, [zoe]],
    ['those that carry the tag, in its case', { tag: 'vip' }, [bob, ann]],
    ['none for a part of a tag', { tag: 'vi' }, []],
    ['those with the email, in any case', { email: 'aNN@example.com' }, [zoe, ann]],
    ['none for a part of an email', { email: 'example.com' }, []],
    ['those that match query and tag', { query: 'bob', tag: 'vip' }, [bob]],
    ['those that match email and tag', { email: 'ann@example.com', tag: 'fr' }, [zoe, ann]],
    ['those that match all three', { email: 'ann@example.com', tag: 'fr', query: 'lee' }, [ann]],
    ['none where one of three does not match', { email: 'ann@example.com', tag: 'fr', query: 'bob' }, []],
  ])('finds %s', async (_, filter, names) => {
    const { contacts, nextPageToken } = await app.search(tenant, filter);
    expect(contacts.map(({ name }) => name)).toEqual(names);
    expect(nextPageToken).toBe('');
  });

  it.each([1, 2, 3, 4, 5])(
    'gives pages of %i that hold every contact once, newest first',
    async (pageSize) => {
      const pages: string[][] = [];
      let pageToken = '';
      do {
        const page = await app.search(tenant, { pageSize, pageToken });
        pages.push(page.contacts.map(({ name }) => name));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      expect(pages.flat()).toEqual([zoe, bobby, bob, ann]);
      expect(pages).toHaveLength(Math.ceil(4 / pageSize));
    },
  );

  it('finds an email without reading those who have another', async () => {
    const many = uuidv7();
    await app.database.query(
      `INSERT INTO contacts (tenant_id, id, phone, source, email)
       SELECT $1, uuidv7(), '+1415555' || (1000 + n), 'api', n || '@example.com' FROM generate_series(1, 2000) n`,
      [many],
    );
    const { url } = app.database;
    const database = await Database.connect({ url, name: 'spec', entities: [ContactEntity], poolSize: 1 });
    const contacts = new ContactService(database);
    const rowsOf = (work: () => Promise<unknown>) => rowsReadBy(database, 'contacts', work);
    const noFilter = { tenantId: many, query: '', tag: '', pageSize: 50, pageToken: '' };
    expect(await rowsOf(() => contacts.search({ ...noFilter, email: '1000@Example.com' }))).toBe(1);
    expect(await rowsOf(() => contacts.search({ ...noFilter, email: 'nobody@example.com' }))).toBe(0);
    expect(await rowsOf(() => contacts.get({ tenantId: many, email: '1000@Example.com' }))).toBe(1);
    await database.close();
  });

  it('finds those with a tag without reading those without, however old they are', async () => {
    const many = uuidv7();
    await app.database.query(
      `INSERT INTO contacts (tenant_id, id, phone, source, tags)
       SELECT $1, uuidv7(), '+1415555' || (1000 + n), 'api', CASE WHEN n <= 100 THEN '{old,few}' ELSE '{new}' END::text[]
       FROM generate_series(1, 5000) n`,
      [many],
    );
    await app.database.query('ANALYZE contacts; ANALYZE contact_tags');
    const { url } = app.database;
    const database = await Database.connect({ url, name: 'spec', entities: [ContactEntity], poolSize: 1 });
    const contacts = new ContactService(database);
    const search = { tenantId: many, query: '', email: '', pageSize: 20 };
    let pageToken = '';
    for (let page = 0; page < 3; page++) {
      const rows = await rowsReadBy(database, 'contacts', async () => {
        const found = await contacts.search({ ...search, tag: 'few', pageToken });
        expect(found.page.map(({ tags }) => tags)).toEqual(Array(20).fill(['old', 'few']));
        pageToken = found.next;
      });
      // Those with the tag at most: where there are few of them, Postgres may sort them all.
      expect(rows).toBeLessThanOrEqual(100);
    }
    expect(
      await rowsReadBy(database, 'contacts', () =>
        contacts.search({ ...search, tag: 'none', pageToken: '' }),
      ),
    ).toBe(0);
    await database.close();
  });

  it('finds by the tags a contact has now, whoever wrote them', async () => {
    const mine = uuidv7();
    const { id } = await app.add(mine, '+14155550301', { tags: { tags: ['a', 'b'] } });
    const carriers = async (tag: string) => (await app.search(mine, { tag })).contacts.map((one) => one.id);
    await app.database.query(`UPDATE contacts SET tags = '{b,c,c}' WHERE id = $1`, [id]);
    expect([await carriers('a'), await carriers('b'), await carriers('c')]).toEqual([[], [id], [id]]);
    await app.database.query('DELETE FROM contacts WHERE id = $1', [id]);
    expect(await app.database.query('SELECT * FROM contact_tags WHERE tenant_id = $1', [mine])).toEqual([]);
  });

  it('pages through a filter, and a contact created meanwhile does not shift the pages', async () => {
    const mine = uuidv7();
    for (let index = 0; index < 4; index++) await app.add(mine, `+1415555020${index}`, { name: `n${index}` });
    const first = await app.search(mine, { query: 'n', pageSize: 2 });
    await app.add(mine, '+14155550209', { name: 'newer' });
    const second = await app.search(mine, { query: 'n', pageSize: 2, pageToken: first.nextPageToken });
    expect([first, second].map(({ contacts }) => contacts.map(({ name }) => name))).toEqual([
      ['n3', 'n2'],
      ['n1', 'n0'],
    ]);
  });

  it('gives 50 contacts unless told, and 100 of them with all the metadata there may be', async () => {
    const many = uuidv7();
    await app.database.query(
      `INSERT INTO contacts (tenant_id, id, phone, source, metadata)
       SELECT $1, uuidv7(), '+1415555' || (1000 + n), 'api', $2 FROM generate_series(1, 100) n`,
      [many, JSON.stringify({ a: 'x'.repeat(65_000) })],
    );
    expect((await app.search(many)).contacts).toHaveLength(50);
    expect((await app.search(many, { pageSize: 100 })).contacts).toHaveLength(100);
  });

  it.each(['x', 'bm90IGFuIGlk', '%%%', Buffer.from(`${uuidv7()}'`).toString('base64url')])(
    'refuses %s, which is no token of a page',
    async (pageToken) => {
      await expect(app.search(tenant, { pageToken })).rejects.toMatchObject({
        reason: 'INVALID_FIELD',
        fields: [{ field: 'page_token' }],
      });
    },
  );
});
