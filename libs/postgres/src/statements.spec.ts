import { expect, it, jest } from '@jest/globals';
import { EventEmitter } from 'node:events';
import type { Pool } from 'pg';
import { runStatements } from './statements.ts';

it.each([
  ['answered', false],
  ['not answered', true],
])(
  'a connection whose ROLLBACK is %s is thrown away: %s, as the next user could be in the transaction still',
  async (_what, lost) => {
    const release = jest.fn();
    const query = ({ text = 'ROLLBACK' }: { text?: string }): Promise<unknown> =>
      lost && text === 'ROLLBACK'
        ? Promise.reject(new Error('Query read timeout'))
        : Promise.resolve({ rows: [], command: text });
    const client = Object.assign(new EventEmitter(), { query, release });
    const pool = { connect: () => Promise.resolve(client) } as unknown as Pool;
    const failing = runStatements(pool, () => Promise.reject(new Error('the work failed')));
    await expect(failing).rejects.toThrow('the work failed');
    expect(release.mock.calls).toEqual([[lost]]);
  },
);
