import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateRateLimitWindows1763900000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE rate_limit_windows (
        token_id uuid PRIMARY KEY REFERENCES api_tokens,
        -- Whole seconds since 1970, and the permits granted for each: what is older than the window goes when the next
        -- are granted, so a row holds some sixty at most, and there is nothing to purge.
        seconds bigint[] NOT NULL DEFAULT '{}',
        permits integer[] NOT NULL DEFAULT '{}'
        -- Room for the next version of the row on its own page.
      ) WITH (fillfactor = 50);

      -- Grants permits of a token's limit: those needed if they are free, and those wanted besides as far as they are
      -- no more than an eighth of what is free, so that leases shrink near the limit. They count for this second, or,
      -- when asked for ahead, for the next one, and may be used until it ends. returned_permits are negative.
      CREATE FUNCTION take_permits(
        token uuid, max_permits integer, needed integer, wanted integer, ahead boolean,
        returned_seconds bigint[], returned_permits integer[],
        -- Seconds since 1970; only tests say what time it is.
        told_time double precision,
        OUT granted integer,
        -- What is left of the limit, and what more will be left when this second is over.
        OUT free integer, OUT dropping integer,
        -- The second the permits count for, and the milliseconds until it ends.
        OUT second double precision, OUT valid_ms double precision,
        -- When something was needed and nothing granted: milliseconds until a permit's minute is over, and whether one
        -- may come back before, because its holder does not use it.
        OUT retry_ms double precision, OUT may_return boolean
      ) LANGUAGE plpgsql AS $$
      DECLARE
        kept rate_limit_windows;
        epoch double precision;
        this_second bigint;
        total bigint;
      BEGIN
        -- A crash of the server may forget the grants of its last half second. That is worth a disk's pace.
        PERFORM set_config('synchronous_commit', 'off', true);
        SELECT * INTO kept FROM rate_limit_windows WHERE token_id = token FOR UPDATE;
        IF NOT FOUND THEN
          INSERT INTO rate_limit_windows (token_id) VALUES (token) ON CONFLICT DO NOTHING;
          SELECT * INTO kept FROM rate_limit_windows WHERE token_id = token FOR UPDATE;
        END IF;

        -- Once the row is locked: so time goes forward from grant to grant.
        epoch := coalesce(told_time, extract(epoch FROM clock_timestamp()));
        this_second := floor(epoch);
        -- Also what is in the future, granted ahead or before the clock was set back. Past a minute it was the clock.
        SELECT coalesce(array_agg(s), '{}'), coalesce(array_agg(p), '{}'), coalesce(sum(p), 0),
               coalesce(sum(p) FILTER (WHERE s = this_second - 59), 0)
        INTO kept.seconds, kept.permits, total, dropping
        FROM (SELECT s, sum(p) AS p
              FROM (SELECT * FROM unnest(kept.seconds, kept.permits)
                    UNION ALL SELECT * FROM unnest(returned_seconds, returned_permits)) AS counted (s, p)
              WHERE s BETWEEN this_second - 59 AND this_second + 60
              GROUP BY s HAVING sum(p) > 0) AS summed;

        free := greatest(0, max_permits - total);
        granted := least(free, greatest(needed, least(wanted, free / 8)));
        free := free - granted;
        second := this_second + ahead::integer;
        valid_ms := (second + 1 - epoch) * 1000;
        IF granted > 0 THEN
          kept.seconds := kept.seconds || second::bigint;
          kept.permits := kept.permits || granted;
        ELSIF needed > 0 THEN
          SELECT (min(s) + 60 - epoch) * 1000, max(s) >= this_second - 1 INTO retry_ms, may_return
          FROM (SELECT s, sum(p) OVER (ORDER BY s) AS gone FROM unnest(kept.seconds, kept.permits) AS counted (s, p))
            AS passing
          WHERE total - gone < max_permits;
        END IF;
        IF granted > 0 OR cardinality(returned_seconds) > 0 THEN
          UPDATE rate_limit_windows SET seconds = kept.seconds, permits = kept.permits WHERE token_id = token;
        END IF;
      END $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION take_permits; DROP TABLE rate_limit_windows');
  }
}
