import { expect, it } from '@jest/globals';
import { migrate } from '@parley/postgres';
import { migrateBothWays } from '@parley/testing';
import { migrations } from './index.ts';

it('undoes each migration, and makes it again as it was', async () => {
  const { down, up } = await migrateBothWays(migrations, migrate);
  expect(up).toEqual(down);
});
