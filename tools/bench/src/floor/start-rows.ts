/**
 * One statement, and so one transaction and one round trip, that writes a whole batch: contacts that are not there yet,
 * sessions that are not running yet, and an event for each new session. Gives for each item its contact and the session
 * it started; null where there is none, because one runs already or a batch at the same time was faster.
 *
 * $1 tenant, $2 flow name, then of each item: $3 flow, $4 contact or null, $5 phone or null, $6 context, and the ids
 * to be used where something is new: $7 contact, $8 session, $9 event. Each LATERAL … LIMIT 1 is one look into an index,
 * whatever the planner thinks of the tables' sizes.
 */
export const START_ROWS = `
  WITH item AS MATERIALIZED (
    SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::json[], $7::uuid[], $8::uuid[], $9::uuid[])
      WITH ORDINALITY AS item (flow_id, contact_id, phone, context, new_contact, new_session, event, n)),
  clock AS MATERIALIZED (SELECT date_trunc('milliseconds', clock_timestamp()) AS now),
  known AS MATERIALIZED (
    SELECT n, id FROM item, LATERAL (
      SELECT c.id FROM contacts c WHERE c.tenant_id = $1 AND c.phone = item.phone LIMIT 1) AS by_phone
    WHERE item.phone IS NOT NULL
    UNION ALL
    SELECT n, id FROM item, LATERAL (
      SELECT c.id FROM contacts c WHERE c.tenant_id = $1 AND c.id = item.contact_id LIMIT 1) AS by_id
    WHERE item.contact_id IS NOT NULL),
  made AS (
    INSERT INTO contacts (tenant_id, id, phone, source, opted_in_at)
    SELECT $1, item.new_contact, item.phone, 'api', clock.now FROM clock, item
    WHERE item.phone IS NOT NULL AND item.n NOT IN (SELECT n FROM known)
    ORDER BY item.phone
    ON CONFLICT (tenant_id, phone) DO NOTHING RETURNING id),
  contact AS MATERIALIZED (
    SELECT n, id FROM known
    UNION ALL
    SELECT item.n, made.id FROM item JOIN made ON made.id = item.new_contact),
  started AS (
    INSERT INTO sessions (tenant_id, flow_id, contact_id, id, flow_name, flow_version, current_node_id, context,
      status, sequence, created_at, last_interaction_at, expires_at)
    SELECT $1, item.flow_id, contact.id, item.new_session, $2, 1, 'start', item.context,
      'running', 1, clock.now, clock.now, clock.now + interval '1440 minutes'
    FROM clock, item JOIN contact USING (n)
    ORDER BY item.flow_id, contact.id
    ON CONFLICT (tenant_id, flow_id, contact_id) WHERE status = 'running' DO NOTHING
    RETURNING id, flow_id, contact_id, created_at, expires_at),
  told AS (
    INSERT INTO outbox (tenant_id, id, type, subject, sequence, time, data, claim_ends_at)
    SELECT $1, item.event, 'session.started', started.id, 1, started.created_at,
      json_build_object('session_id', started.id, 'flow_id', started.flow_id, 'flow_name', $2, 'flow_version', 1,
        'contact_id', started.contact_id, 'status', 'running', 'started_at', started.created_at,
        'expires_at', started.expires_at),
      started.created_at + interval '10 seconds'
    FROM started JOIN item ON item.new_session = started.id)
  SELECT item.n::int, contact.id AS "contactId", started.id AS "startedId"
  FROM item LEFT JOIN contact USING (n) LEFT JOIN started ON started.id = item.new_session`;

/** The running sessions of $1 tenant's flows $2 with contacts $3. */
export const RUNNING_ROWS = `
  SELECT n::int, running.id AS "runningId"
  FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS item (flow_id, contact_id, n), LATERAL (
    SELECT s.id FROM sessions s
    WHERE s.tenant_id = $1 AND s.flow_id = item.flow_id AND s.contact_id = item.contact_id
      AND s.status = 'running' AND s.expires_at > clock_timestamp() LIMIT 1) AS running`;
