import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { migrate } from '@parley/postgres';
import { createTestDatabase, migrateBothWays, type TestDatabase } from '@parley/testing';
import { migrations } from './index.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase(migrations, migrate);
});
afterAll(() => database.drop());

it('undoes each migration, and makes it again as it was', async () => {
  const { down, up } = await migrateBothWays(database, migrations);
  expect(up).toEqual(down);
});
