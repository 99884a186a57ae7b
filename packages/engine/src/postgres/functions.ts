import { sqlFrom, SQL_OPEN, TRANSITIONS } from '../machine.ts'

/**
 * The ops as functions of the database, one for each, and `commit_ops`, which applies a list of them
 * in order: one statement a flush, and the same rules row by row as in SQLite. A function and not a
 * chain of CTEs, because two CTEs of one statement cannot see each other's writes, and ops of one
 * flush may touch the same task.
 */
export const postgresFunctions = (s: string, channel: string): readonly string[] => [
  ...lines(s),
  ...messages(s),
  refused(s),
  create(s),
  ...leases(s),
  ...work(s),
  ...endings(s),
  ...inbox(s),
  sweep(s),
  forget(s),
  commitOps(s, channel),
]

const fn = (s: string, name: string, declare: string, body: string): string =>
  `CREATE OR REPLACE FUNCTION ${s}.${name} RETURNS jsonb LANGUAGE plpgsql AS $fn$
   ${declare === '' ? '' : `DECLARE ${declare}`} BEGIN ${body} END $fn$;`

const ACCEPTED = `RETURN '{"accepted":true}'::jsonb;`
const FENCED = `RETURN '{"accepted":false,"why":"fenced"}'::jsonb;`
const due = (id: string): string =>
  `jsonb_build_object('accepted', true, 'due', coalesce(${id}, '[]'::jsonb))`

const lines = (s: string): readonly string[] => [
  fn(
    s,
    'add_lines(t text, e bigint, lines jsonb)',
    '',
    `INSERT INTO ${s}.journal (task, epoch, seq, at, what, kind, call, name, body)
       SELECT t, e, (l->>'seq')::bigint, (l->>'at')::bigint, l->>'what', l->>'kind',
         (l->>'call')::bigint, l->>'name', l->>'body' FROM jsonb_array_elements(lines) AS l
       ON CONFLICT DO NOTHING;
     RETURN NULL;`,
  ),
  fn(
    s,
    'deliver(t text, ids jsonb)',
    '',
    `IF jsonb_array_length(ids) > 0 THEN
       UPDATE ${s}.signals SET delivered = true WHERE task = t
         AND id IN (SELECT jsonb_array_elements_text(ids));
     END IF;
     RETURN NULL;`,
  ),
  // The last op of a run brings what was not written yet.
  fn(
    s,
    'carry(op jsonb)',
    '',
    `PERFORM ${s}.add_lines(op->>'task', (op->>'epoch')::bigint, op->'entries');
     PERFORM ${s}.deliver(op->>'task', op->'delivered');
     RETURN NULL;`,
  ),
]

const messages = (s: string): readonly string[] => [
  // Leaves a signal; returns [task] when that made it due.
  fn(
    s,
    'leave(t text, i text, a bigint, n text, p text)',
    'got text;',
    `INSERT INTO ${s}.signals (task, id, seq, at, name, payload)
       SELECT id, i, inbox + 1, a, n, p FROM ${s}.tasks WHERE id = t FOR UPDATE
       ON CONFLICT DO NOTHING;
     IF NOT FOUND THEN RETURN NULL; END IF;
     UPDATE ${s}.tasks SET inbox = inbox + 1,
       due_at = CASE WHEN state = 'waiting' THEN least(coalesce(due_at, a), a) ELSE due_at END
       WHERE id = t RETURNING state INTO got;
     IF got = 'waiting' THEN RETURN jsonb_build_array(t); END IF;
     RETURN NULL;`,
  ),
  fn(
    s,
    'tell_parent(t text, a bigint)',
    'child RECORD;',
    `SELECT parent, state, result, error INTO child FROM ${s}.tasks WHERE id = t;
     IF child.parent IS NULL THEN RETURN NULL; END IF;
     RETURN ${s}.leave(child.parent, 'child:' || t, a, 'child:' || t, '{"state":"' || child.state ||
       '","result":' || coalesce(child.result, 'null') || ',"error":' ||
       coalesce(child.error, 'null') || '}');`,
  ),
]

const refused = (s: string): string =>
  fn(
    s,
    'refused(t text)',
    'got RECORD;',
    `SELECT * INTO got FROM ${s}.tasks WHERE id = t;
     IF NOT FOUND THEN RETURN '{"accepted":false,"why":"missing"}'::jsonb; END IF;
     RETURN jsonb_build_object('accepted', false, 'why', 'illegal', 'state', got.state,
       'task', to_jsonb(got));`,
  )

const create = (s: string): string =>
  fn(
    s,
    'op_create(op jsonb, now_ms bigint)',
    "n jsonb := op->'task'; got RECORD; born int; open int;",
    `IF op->'by' <> 'null'::jsonb THEN
       PERFORM 1 FROM ${s}.tasks WHERE id = op->'by'->>'task' AND state = 'working'
         AND epoch = (op->'by'->>'epoch')::bigint FOR SHARE;
       IF NOT FOUND THEN ${FENCED} END IF;
     END IF;
     SELECT * INTO got FROM ${s}.tasks
       WHERE id = n->>'id' OR (owner = n->>'owner' AND key = n->>'key') LIMIT 1;
     IF NOT FOUND THEN
       SELECT count(*) INTO open FROM (SELECT 1 FROM ${s}.tasks WHERE owner = n->>'owner'
         AND state IN (${SQL_OPEN}) LIMIT (op->>'ownerOpenMax')::bigint) AS counted;
       IF open >= (op->>'ownerOpenMax')::bigint THEN
         RETURN '{"accepted":false,"why":"busy"}'::jsonb;
       END IF;
       INSERT INTO ${s}.tasks (id, kind, version, owner, run, key, parent, undoes, input, metadata,
         state, epoch, worker, due_at, created_at, updated_at, expires_at, deadline_at, poll_ms)
       VALUES (n->>'id', n->>'kind', n->>'version', n->>'owner', n->>'run', n->>'key',
         n->>'parent', n->>'undoes', n->>'input', n->>'metadata', 'working',
         CASE WHEN n->>'worker' IS NULL THEN 0 ELSE 1 END, n->>'worker',
         CASE WHEN n->>'worker' IS NULL THEN (n->>'dueAt')::bigint
           ELSE now_ms + (n->>'dueAt')::bigint - (n->>'at')::bigint END,
         (n->>'at')::bigint, (n->>'at')::bigint, (n->>'expiresAt')::bigint,
         (n->>'deadlineAt')::bigint, (n->>'pollMs')::bigint)
       ON CONFLICT DO NOTHING;
       GET DIAGNOSTICS born = ROW_COUNT;
       IF born = 1 THEN ${ACCEPTED} END IF;
       SELECT * INTO got FROM ${s}.tasks
         WHERE id = n->>'id' OR (owner = n->>'owner' AND key = n->>'key') LIMIT 1;
     END IF;
     RETURN jsonb_build_object('accepted', false, 'why', 'exists', 'task', to_jsonb(got));`,
  )

const leases = (s: string): readonly string[] => [
  fn(
    s,
    'op_claim(op jsonb, now_ms bigint)',
    'got RECORD; left_ms bigint;',
    `UPDATE ${s}.tasks SET state = '${TRANSITIONS.claim.to}', epoch = epoch + 1,
       worker = op->>'worker', due_at = now_ms + (op->>'until')::bigint - (op->>'at')::bigint,
       updated_at = greatest(updated_at, (op->>'at')::bigint)
     WHERE id = op->>'task' AND state IN (${sqlFrom('claim')}) AND due_at <= now_ms
     RETURNING * INTO got;
     IF NOT FOUND THEN
       SELECT due_at - now_ms INTO left_ms FROM ${s}.tasks WHERE id = op->>'task';
       RETURN jsonb_build_object('accepted', false, 'why', 'fenced', 'leftMs', left_ms);
     END IF;
     RETURN jsonb_build_object('accepted', true, 'task', to_jsonb(got),
       'journal', (SELECT coalesce(jsonb_agg(to_jsonb(j) ORDER BY j.epoch, j.seq), '[]'::jsonb)
         FROM ${s}.journal AS j WHERE j.task = got.id),
       'signals', (SELECT coalesce(jsonb_agg(to_jsonb(i) ORDER BY i.seq), '[]'::jsonb)
         FROM ${s}.signals AS i WHERE i.task = got.id AND NOT i.delivered));`,
  ),
  fn(
    s,
    'op_renew(op jsonb, now_ms bigint)',
    '',
    `UPDATE ${s}.tasks SET due_at = now_ms + (op->>'until')::bigint - (op->>'at')::bigint
     WHERE id = op->>'task' AND epoch = (op->>'epoch')::bigint
       AND state IN (${sqlFrom('suspend')});
     IF FOUND THEN ${ACCEPTED} END IF;
     ${FENCED}`,
  ),
  fn(
    s,
    'op_takeover(op jsonb, now_ms bigint)',
    '',
    `UPDATE ${s}.tasks SET due_at = now_ms, worker = NULL
     WHERE worker IS NOT NULL AND state IN (${sqlFrom('suspend')});
     ${ACCEPTED}`,
  ),
]

const work = (s: string): readonly string[] => [
  fn(
    s,
    'op_record(op jsonb, now_ms bigint)',
    "t text := op->>'task'; e bigint := (op->>'epoch')::bigint;",
    `PERFORM 1 FROM ${s}.tasks WHERE id = t AND epoch = e AND state = 'working' FOR UPDATE;
     IF NOT FOUND THEN ${FENCED} END IF;
     PERFORM ${s}.add_lines(t, e, op->'entries');
     PERFORM ${s}.deliver(t, op->'delivered');
     IF coalesce(op->>'progress', op->>'status', op->>'waits') IS NOT NULL THEN
       UPDATE ${s}.tasks SET progress = coalesce(op->>'progress', progress),
         status = coalesce(op->>'status', status), waits = coalesce(op->>'waits', waits),
         updated_at = greatest(updated_at, (op->>'at')::bigint) WHERE id = t;
     END IF;
     ${ACCEPTED}`,
  ),
  fn(
    s,
    'op_suspend(op jsonb, now_ms bigint)',
    "seen bigint := (op->>'inbox')::bigint; had bigint;",
    `UPDATE ${s}.tasks SET state = '${TRANSITIONS.suspend.to}', worker = NULL,
       due_at = CASE WHEN inbox > seen THEN now_ms ELSE (op->>'dueAt')::bigint END,
       waits = op->>'waits', status = coalesce(op->>'status', status),
       updated_at = greatest(updated_at, (op->>'at')::bigint)
     WHERE id = op->>'task' AND epoch = (op->>'epoch')::bigint
       AND state IN (${sqlFrom('suspend')}) RETURNING inbox INTO had;
     IF NOT FOUND THEN
       SELECT inbox INTO had FROM ${s}.tasks WHERE id = op->>'task'
         AND epoch = (op->>'epoch')::bigint AND state = '${TRANSITIONS.suspend.to}';
       IF NOT FOUND THEN ${FENCED} END IF;
     END IF;
     PERFORM ${s}.carry(op);
     IF had > seen THEN RETURN ${due("jsonb_build_array(op->>'task')")}; END IF;
     ${ACCEPTED}`,
  ),
]

/** An ending that someone other than the worker decides; leaves the new epoch in `e`. */
const endFromOutside = (
  s: string,
  event: 'cancel' | 'expire' | 'abandon',
  values: {
    readonly id: string
    readonly error: string
    readonly expires: string
    readonly at: string
  },
): string =>
  `UPDATE ${s}.tasks SET state = '${TRANSITIONS[event].to}', epoch = epoch + 1,
     error = ${values.error}, worker = NULL, due_at = NULL, waits = NULL,
     expires_at = greatest(expires_at, ${values.expires}),
     updated_at = greatest(updated_at, ${values.at})
   WHERE id = ${values.id} AND state IN (${sqlFrom(event)}) RETURNING epoch INTO e;`

const line = (kind: string, at: string, body: string): string =>
  `jsonb_build_array(jsonb_build_object('seq', 0, 'at', ${at}, 'what', 'task', 'kind', '${kind}',
     'call', 0, 'name', '', 'body', ${body}))`

const endings = (s: string): readonly string[] => [
  fn(
    s,
    'op_finish(op jsonb, now_ms bigint)',
    "a bigint := (op->>'at')::bigint; goal text; had RECORD;",
    `goal := CASE op->>'event' WHEN 'complete' THEN '${TRANSITIONS.complete.to}'
       WHEN 'fail' THEN '${TRANSITIONS.fail.to}' WHEN 'lose' THEN '${TRANSITIONS.lose.to}' END;
     UPDATE ${s}.tasks SET state = goal, result = op->>'result', error = op->>'error',
       worker = NULL, due_at = NULL, waits = NULL, updated_at = greatest(updated_at, a)
     WHERE id = op->>'task' AND epoch = (op->>'epoch')::bigint
       AND state IN (${sqlFrom('complete')}) RETURNING parent, inbox INTO had;
     IF FOUND THEN
       PERFORM ${s}.carry(op);
       IF had.parent IS NULL OR op->>'event' = 'lose' THEN
         RETURN jsonb_build_object('accepted', true, 'inbox', had.inbox);
       END IF;
       RETURN ${due(`${s}.tell_parent(op->>'task', a)`)};
     END IF;
     PERFORM 1 FROM ${s}.tasks WHERE id = op->>'task' AND epoch = (op->>'epoch')::bigint
       AND state = goal;
     IF FOUND THEN ${ACCEPTED} END IF;
     ${FENCED}`,
  ),
  fn(
    s,
    'op_cancel(op jsonb, now_ms bigint)',
    "a bigint := (op->>'at')::bigint; e bigint;",
    `${endFromOutside(s, 'cancel', { id: "op->>'task'", error: "op->>'error'", expires: '0', at: 'a' })}
     IF NOT FOUND THEN RETURN ${s}.refused(op->>'task'); END IF;
     PERFORM ${s}.add_lines(op->>'task', e, ${line('cancelled', 'a', "op->>'error'")});
     RETURN ${due(`${s}.tell_parent(op->>'task', a)`)};`,
  ),
  fn(
    s,
    'op_settle(op jsonb, now_ms bigint)',
    "t text := op->>'task'; a bigint := (op->>'at')::bigint; e bigint; x bigint := (op->>'expiresAt')::bigint;",
    `PERFORM 1 FROM ${s}.tasks WHERE id = t AND epoch = (op->>'epoch')::bigint
       AND state IN (${sqlFrom('resume')}) FOR UPDATE;
     IF NOT FOUND THEN RETURN ${s}.refused(t); END IF;
     IF op->>'event' = 'resume' THEN
       UPDATE ${s}.tasks SET state = '${TRANSITIONS.resume.to}', epoch = epoch + 1, error = NULL,
         due_at = now_ms, expires_at = greatest(expires_at, x), updated_at = greatest(updated_at, a)
       WHERE id = t RETURNING epoch INTO e;
       PERFORM ${s}.add_lines(t, e, op->'entries');
       RETURN ${due('jsonb_build_array(t)')};
     END IF;
     ${endFromOutside(s, 'abandon', { id: 't', error: "op->>'error'", expires: 'x', at: 'a' })}
     PERFORM ${s}.add_lines(t, e, op->'entries');
     RETURN ${due(`${s}.tell_parent(t, a)`)};`,
  ),
]

const inbox = (s: string): readonly string[] => [
  fn(
    s,
    'op_signal(op jsonb, now_ms bigint)',
    "t text := op->>'task'; got RECORD; same bigint; total bigint; woke jsonb;",
    `SELECT * INTO got FROM ${s}.tasks WHERE id = t FOR UPDATE;
     IF NOT FOUND OR got.state NOT IN (${SQL_OPEN}) THEN RETURN ${s}.refused(t); END IF;
     SELECT count(*), count(*) FILTER (WHERE name = op->>'name') INTO total, same FROM
       (SELECT name FROM ${s}.signals WHERE task = t AND NOT delivered
         LIMIT (op->>'inboxMax')::bigint) AS pending;
     IF (op->>'expected')::boolean AND (same > 0 OR NOT EXISTS (
       SELECT 1 FROM jsonb_array_elements(coalesce(got.waits, '[]')::jsonb) AS w
       WHERE w->>'name' = op->>'name')) THEN
       RETURN jsonb_build_object('accepted', false, 'why', 'not-waiting', 'state', got.state,
         'task', to_jsonb(got));
     END IF;
     IF total >= (op->>'inboxMax')::bigint THEN
       RETURN '{"accepted":false,"why":"full"}'::jsonb;
     END IF;
     woke := ${s}.leave(t, op->>'id', least((op->>'at')::bigint, now_ms), op->>'name',
       op->>'payload');
     RETURN ${due('woke')};`,
  ),
  fn(
    s,
    'op_late(op jsonb, now_ms bigint)',
    '',
    `PERFORM 1 FROM ${s}.tasks WHERE id = op->>'task';
     IF NOT FOUND THEN RETURN '{"accepted":false,"why":"missing"}'::jsonb; END IF;
     PERFORM ${s}.add_lines(op->>'task', (op->>'epoch')::bigint, jsonb_build_array(op->'entry'));
     ${ACCEPTED}`,
  ),
]

const sweep = (s: string): string =>
  fn(
    s,
    'op_sweep(op jsonb, now_ms bigint)',
    "a bigint := (op->>'at')::bigint; e bigint; i text; woke jsonb := '[]'; expired jsonb := '[]'; gone text[];",
    `FOR i IN SELECT id FROM ${s}.tasks WHERE expires_at <= a AND state IN (${sqlFrom('expire')})
       LIMIT (op->>'limit')::bigint FOR UPDATE SKIP LOCKED LOOP
       ${endFromOutside(s, 'expire', { id: 'i', error: "op->>'error'", expires: "a + (op->>'graceMs')::bigint", at: 'a' })}
       PERFORM ${s}.add_lines(i, e, ${line('expired', 'a', "op->>'error'")});
       expired := expired || jsonb_build_array(i);
       woke := woke || coalesce(${s}.tell_parent(i, a), '[]'::jsonb);
     END LOOP;
     gone := ARRAY(SELECT id FROM ${s}.tasks WHERE expires_at <= a AND state NOT IN (${SQL_OPEN})
       LIMIT (op->>'limit')::bigint FOR UPDATE SKIP LOCKED);
     DELETE FROM ${s}.tasks WHERE id = ANY(gone);
     DELETE FROM ${s}.journal WHERE task = ANY(gone);
     DELETE FROM ${s}.signals WHERE task = ANY(gone);
     RETURN jsonb_build_object('accepted', true, 'due', woke, 'expired', expired,
       'deleted', coalesce(array_length(gone, 1), 0));`,
  )

const forget = (s: string): string =>
  fn(
    s,
    'op_forget(op jsonb, now_ms bigint)',
    'gone text[];',
    `gone := ARRAY(SELECT id FROM ${s}.tasks WHERE owner = op->>'owner'
       AND created_at <= (op->>'before')::bigint AND state NOT IN (${SQL_OPEN})
       LIMIT (op->>'limit')::bigint FOR UPDATE);
     DELETE FROM ${s}.tasks WHERE id = ANY(gone);
     DELETE FROM ${s}.journal WHERE task = ANY(gone);
     DELETE FROM ${s}.signals WHERE task = ANY(gone);
     RETURN jsonb_build_object('accepted', true, 'deleted', coalesce(array_length(gone, 1), 0));`,
  )

/** What others want to hear of: everything but leases and lines nobody sees. */
const TOLD = `('suspend', 'finish', 'cancel', 'settle', 'signal', 'sweep')`
/** Ids of at most 64 characters and a space: a notification has less than 8,000 bytes. */
const NOTIFIED_MAX = 120

const commitOps = (s: string, channel: string): string =>
  fn(
    s,
    'commit_ops(ops jsonb)',
    `op jsonb; v jsonb; all_of jsonb := '[]'; changed text[] := '{}';
     now_ms bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);`,
    `FOR op IN SELECT value FROM jsonb_array_elements(ops) LOOP
       EXECUTE format('SELECT ${s}.%I($1, $2)', 'op_' || (op->>'op')) INTO v USING op, now_ms;
       all_of := all_of || jsonb_build_array(v);
       IF (v->>'accepted')::boolean AND (op->>'op' IN ${TOLD} OR op->>'progress' IS NOT NULL
         OR op->>'status' IS NOT NULL) THEN
         changed := changed || ARRAY(SELECT jsonb_array_elements_text(
           coalesce(v->'due', '[]') || coalesce(v->'expired', '[]')));
         IF op->>'task' IS NOT NULL THEN changed := changed || (op->>'task'); END IF;
       END IF;
     END LOOP;
     FOR at IN 0..coalesce(array_length(changed, 1) - 1, -1) BY ${String(NOTIFIED_MAX)} LOOP
       PERFORM pg_notify('${channel}', array_to_string(
         changed[at + 1 : at + ${String(NOTIFIED_MAX)}], ' '));
     END LOOP;
     RETURN all_of;`,
  )
