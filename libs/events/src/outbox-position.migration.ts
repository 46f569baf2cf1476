import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Purge and replay walk the outbox in the order it was written. A BRIN index cannot give that, and does not even give
 * the old rows: once space is used again, each of its ranges holds an old time, and a purge that finds nothing reads
 * the whole table. Appending to a B-tree at its right end is cheap.
 */
export class IndexOutboxPosition1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX outbox_position ON outbox (position); DROP INDEX outbox_published');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'CREATE INDEX outbox_published ON outbox USING brin (published_at); DROP INDEX outbox_position',
    );
  }
}
