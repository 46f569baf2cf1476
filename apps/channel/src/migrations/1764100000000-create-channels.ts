import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateChannels1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE channels (
        tenant_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('webhook', 'whatsapp')),
        status text NOT NULL CHECK (status IN ('active', 'disabled')),
        -- Where it leads, and its secrets: channel.ts.
        settings json NOT NULL,
        error_code text,
        error_message text,
        error_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant_id, kind)
      );

      CREATE TABLE deliveries (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        effect_id text NOT NULL,
        session_id uuid NOT NULL,
        -- Of the event among its session's: messages go in this order.
        session_sequence integer NOT NULL,
        contact_id uuid NOT NULL,
        -- A kind of channel, or what else the event names, which fails.
        channel text NOT NULL,
        -- As message.requested has it.
        message json NOT NULL,
        requested_at timestamptz NOT NULL,
        status text NOT NULL CHECK (status IN ('pending', 'sent', 'delivered', 'failed')),
        attempts integer NOT NULL DEFAULT 0,
        -- When it is sent next; while it is being sent, when another replica may.
        due_at timestamptz NOT NULL,
        -- Of the attempt under way: what comes of another one no longer counts.
        lease uuid,
        provider_message_id text NOT NULL DEFAULT '',
        failure_code text,
        failure_message text,
        -- How many events told of it.
        told integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id)
      );
      -- A message is sent once, however often it is asked for.
      CREATE UNIQUE INDEX deliveries_effect ON deliveries (tenant_id, effect_id);
      CREATE INDEX deliveries_due ON deliveries (due_at) WHERE status = 'pending';
      CREATE INDEX deliveries_queue ON deliveries (tenant_id, session_id, session_sequence) WHERE status = 'pending';
      CREATE INDEX deliveries_provider ON deliveries (tenant_id, provider_message_id) WHERE provider_message_id <> '';
      CREATE INDEX deliveries_status ON deliveries (tenant_id, status, id);
      CREATE INDEX deliveries_age ON deliveries (updated_at) WHERE status <> 'pending';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE deliveries; DROP TABLE channels');
  }
}
