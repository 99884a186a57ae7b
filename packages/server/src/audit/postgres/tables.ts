import type { PostgresSchema } from '#store'
import { CRASHED } from '../crashed.ts'

/**
 * The ledger in Postgres. Its lines are numbered by one row that every write locks first, so that
 * numbers have no gaps and become visible in their order; nothing here can wait in a circle.
 */
export const ledgerSchema = (name: string): PostgresSchema => ({
  name,
  steps: [tables(name)],
  functions: [writeFunction(name)],
})

const tables = (s: string): string => `
  CREATE TABLE ${s}.head (one bool PRIMARY KEY, seq bigint NOT NULL);
  INSERT INTO ${s}.head (one, seq) VALUES (true, 0);
  CREATE TABLE ${s}.entries (
    seq bigint PRIMARY KEY,
    at bigint NOT NULL,
    kind text NOT NULL,
    call text COLLATE "C",
    body text NOT NULL
  );
  CREATE INDEX entries_call ON ${s}.entries (call, seq) WHERE call IS NOT NULL;
  CREATE TABLE ${s}.nodes (
    node text PRIMARY KEY,
    number bigint NOT NULL,
    seen timestamptz NOT NULL
  );
  CREATE TABLE ${s}.open_calls (
    call text COLLATE "C" PRIMARY KEY,
    server text NOT NULL,
    node text NOT NULL
  );
  CREATE TABLE ${s}.run_calls (
    principal text NOT NULL,
    run text NOT NULL,
    call text NOT NULL,
    PRIMARY KEY (principal, run, call)
  );
  CREATE TABLE ${s}.tree_nodes (
    level int NOT NULL,
    place bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (level, place)
  );
  CREATE TABLE ${s}.checkpoints (
    size bigint PRIMARY KEY,
    at bigint NOT NULL,
    note text NOT NULL,
    peaks bytea NOT NULL
  );
  CREATE TABLE ${s}.payloads (
    call text COLLATE "C" NOT NULL,
    part text NOT NULL,
    key text NOT NULL,
    until bigint NOT NULL,
    bytes bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (call, part)
  );
  CREATE INDEX payloads_key ON ${s}.payloads (key);
  CREATE INDEX payloads_until ON ${s}.payloads (until);`

/**
 * One write of one node: all of it, or nothing. `number` counts the writes of a node, so that one
 * that is sent again because nobody heard the answer is done once. Returns the number before.
 */
const writeFunction = (s: string): string => `
  CREATE OR REPLACE FUNCTION ${s}.write(me text, batch bigint, doc json) RETURNS bigint
  LANGUAGE plpgsql AS $fn$
  DECLARE was bigint; last bigint; added bigint; orphan record;
  BEGIN
    SELECT seq INTO last FROM ${s}.head FOR UPDATE;
    SELECT number INTO was FROM ${s}.nodes WHERE node = me;
    IF was >= batch THEN RETURN was; END IF;
    INSERT INTO ${s}.nodes (node, number, seen) VALUES (me, batch, clock_timestamp())
      ON CONFLICT (node) DO UPDATE SET number = excluded.number, seen = excluded.seen;
    ${begunAgain(s)}
    ${appended(s)}
    UPDATE ${s}.head SET seq = last WHERE seq <> last;
    ${besides(s)}
    RETURN coalesce(was, 0);
  END $fn$`

/** Begun again on another node after the first one died: its first try ended before the second. */
const begunAgain = (s: string): string => `
    IF doc->'begun' IS NOT NULL THEN
      FOR orphan IN SELECT call FROM ${s}.open_calls
        WHERE call IN (SELECT call FROM json_to_recordset(doc->'begun') AS (call text))
      LOOP
        DELETE FROM ${s}.open_calls WHERE call = orphan.call;
        last := last + 1;
        INSERT INTO ${s}.entries (seq, at, kind, call, body)
          VALUES (last, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 'call.closed',
            orphan.call, '${CRASHED}');
      END LOOP;
    END IF;
`

const appended = (s: string): string => `
    IF doc->'lines' IS NOT NULL THEN
      INSERT INTO ${s}.entries (seq, at, kind, call, body)
        SELECT last + place, at, kind, call, body
        FROM ROWS FROM (json_to_recordset(doc->'lines')
          AS (at bigint, kind text, call text, body text))
          WITH ORDINALITY AS line (at, kind, call, body, place);
      GET DIAGNOSTICS added = ROW_COUNT;
      last := last + added;
    END IF;
    IF doc->'begun' IS NOT NULL THEN
      INSERT INTO ${s}.open_calls (call, server, node)
        SELECT call, server, me FROM json_to_recordset(doc->'begun') AS (call text, server text);
    END IF;
    IF doc->'ended' IS NOT NULL THEN
      DELETE FROM ${s}.open_calls
        WHERE call IN (SELECT json_array_elements_text(doc->'ended'));
    END IF;
    IF doc->'abandoned' IS NOT NULL THEN
      FOR orphan IN SELECT * FROM json_to_recordset(doc->'abandoned')
        AS (at bigint, kind text, call text, body text)
      LOOP
        DELETE FROM ${s}.open_calls WHERE call = orphan.call;
        CONTINUE WHEN NOT FOUND;
        last := last + 1;
        INSERT INTO ${s}.entries (seq, at, kind, call, body)
          VALUES (last, orphan.at, orphan.kind, orphan.call, orphan.body);
      END LOOP;
    END IF;
`

/** What stands beside the lines. Another node may have signed for the same ones, and so for the same roots. */
const besides = (s: string): string => `
    IF doc->'joined' IS NOT NULL THEN
      INSERT INTO ${s}.run_calls (principal, run, call)
        SELECT principal, run, call FROM json_to_recordset(doc->'joined')
          AS (principal text, run text, call text)
        ON CONFLICT DO NOTHING;
    END IF;
    IF doc->'carried' IS NOT NULL THEN
      INSERT INTO ${s}.payloads (call, part, key, until, bytes, sealed)
        SELECT DISTINCT ON (call, part)
          call, part, key, until, length(sealed) / 2, decode(sealed, 'hex')
        FROM ROWS FROM (json_to_recordset(doc->'carried')
          AS (call text, part text, key text, until bigint, sealed text))
          WITH ORDINALITY AS one (call, part, key, until, sealed, place)
        ORDER BY call, part, place DESC
        ON CONFLICT (call, part) DO UPDATE SET key = excluded.key, until = excluded.until,
          bytes = excluded.bytes, sealed = excluded.sealed;
    END IF;
    IF doc->'signed' IS NOT NULL THEN
      INSERT INTO ${s}.tree_nodes (level, place, hash)
        SELECT level, place, decode(hash, 'hex') FROM json_to_recordset(doc->'kept')
          AS (level int, place bigint, hash text)
        ON CONFLICT DO NOTHING;
      INSERT INTO ${s}.checkpoints (size, at, note, peaks)
        SELECT size, at, note, decode(peaks, 'hex') FROM json_to_recordset(doc->'signed')
          AS (size bigint, at bigint, note text, peaks text)
        WHERE size > coalesce((SELECT max(size) FROM ${s}.checkpoints), 0);
    END IF;
`
