-- Enqueueing. Jobs come as one JSON array, with arguments in base64 and without what they do not say.

-- Jobs without a unique key. One that is here already, or was and has ended, is passed over.
CREATE OR REPLACE FUNCTION queuemgr.put(batch json, given float8, surely boolean) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET jit = off AS $$
DECLARE
    moment float8 := queuemgr.clock(given);
    ready text[];
    later boolean;
BEGIN
    WITH asked AS (
        SELECT job.*, CASE WHEN job.delay IS NULL THEN job.run_at ELSE moment + job.delay END AS due
        FROM ROWS FROM (json_to_recordset(batch) AS (
            id text, task text, args text, queue text, priority integer, run_at float8, delay float8,
            created_at float8, keep float8, at_most_once boolean, held boolean, crash_budget integer, "unique" json,
            tags json, options json)) WITH ORDINALITY AS job
    ), added AS (
        INSERT INTO queuemgr.jobs (id, task, args, queue, priority, run_at, created_at, keep, at_most_once,
                                   crash_budget, unique_key, tags, options, state)
        SELECT id, task, decode(args, 'base64'), queue, priority, due, created_at, keep, coalesce(at_most_once, false),
               crash_budget, "unique"->>'key', tags, options,
               CASE WHEN held THEN 3 WHEN due > moment THEN 0 ELSE 1 END
        FROM asked WHERE NOT EXISTS (SELECT FROM queuemgr.done WHERE done.id = asked.id)
        ORDER BY ordinality
        ON CONFLICT (id) DO NOTHING
        RETURNING seq, queue, state, tags
    ), tagged AS (
        INSERT INTO queuemgr.tags (tag, job)
        SELECT DISTINCT tag, seq FROM added, json_array_elements_text(tags) AS tag
    )
    SELECT array_agg(DISTINCT queue) FILTER (WHERE state = 1), coalesce(bool_or(state = 0), false)
    INTO ready, later FROM added;
    PERFORM queuemgr.tell(ready, later, false, surely);
END $$;

-- The same for one job without tags, which is what most programs send.
CREATE OR REPLACE FUNCTION queuemgr.put_one(
    id_ text, task_ text, args_ bytea, queue_ text, priority_ integer, run_at_ float8, delay float8, created_at_ float8,
    keep_ float8, at_most_once_ boolean, held boolean, crash_budget_ integer, options_ json, given float8
) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    moment float8 := queuemgr.clock(given);
    due float8 := CASE WHEN delay IS NULL THEN run_at_ ELSE moment + delay END;
    state_ smallint := CASE WHEN held THEN 3 WHEN due > moment THEN 0 ELSE 1 END;
BEGIN
    INSERT INTO queuemgr.jobs (id, task, args, queue, priority, run_at, created_at, keep, at_most_once, crash_budget,
                               options, state)
    SELECT id_, task_, args_, queue_, priority_, due, created_at_, keep_, at_most_once_, crash_budget_, options_, state_
    WHERE NOT EXISTS (SELECT FROM queuemgr.done WHERE id = id_)
    ON CONFLICT (id) DO NOTHING;
    IF FOUND THEN
        PERFORM queuemgr.tell(CASE WHEN state_ = 1 THEN ARRAY[queue_] END, state_ = 0, false, false);
    END IF;
END $$;

-- Jobs some of which have unique keys, all or none. Answers {"jobs": [[id, existing, replaced], ...]}, or
-- {"taken": [key, holder]} where a key is held by another; then nothing was changed.
CREATE OR REPLACE FUNCTION queuemgr.enqueue(batch json, given float8, surely boolean) RETURNS json LANGUAGE plpgsql
SET enable_seqscan = off SET jit = off AS $$
DECLARE
    moment float8 := queuemgr.clock(given);
    this json;
    answers json[] := '{}';
    accepted json[] := '{}';
    lock_key text;
    holder text;
    refused json;
BEGIN
    -- In one order everywhere, so that two who want the same keys wait for one another and not for ever.
    FOR lock_key IN SELECT DISTINCT one->'unique'->>'key' AS key FROM json_array_elements(batch) AS one ORDER BY key LOOP
        PERFORM pg_advisory_xact_lock(queuemgr.space(), hashtext('key ' || lock_key));
    END LOOP;
    FOR this IN SELECT * FROM json_array_elements(batch) LOOP
        holder := NULL;
        IF this->'unique'->>'key' IS NOT NULL THEN
            IF EXISTS (SELECT FROM queuemgr.jobs WHERE id = this->>'id')
                OR EXISTS (SELECT FROM queuemgr.done WHERE id = this->>'id') THEN
                -- Sent twice: a job that has ended since must not take its key again.
                answers := answers || json_build_array(this->>'id', false, NULL);
                CONTINUE;
            END IF;
            SELECT held.job INTO holder FROM queuemgr.unique_keys AS held
            WHERE held.key = this->'unique'->>'key' AND (NOT held.finished OR held.expires_at > moment) FOR UPDATE;
            IF holder = this->>'id' THEN
                answers := answers || json_build_array(holder, false, NULL);
                CONTINUE;
            ELSIF holder IS NOT NULL AND this->'unique'->>'on_conflict' = 'existing' THEN
                answers := answers || json_build_array(holder, true, NULL);
                CONTINUE;
            ELSIF holder IS NOT NULL AND this->'unique'->>'on_conflict' = 'replace' THEN
                PERFORM queuemgr.put(array_to_json(accepted), moment, surely);
                accepted := '{}';
                PERFORM queuemgr.replace(holder, this->>'id', moment);
            ELSIF holder IS NOT NULL THEN
                refused := json_build_array(this->'unique'->>'key', holder);
                RAISE EXCEPTION 'a unique key is taken' USING ERRCODE = 'QM001';
            END IF;
            INSERT INTO queuemgr.unique_keys (key, job, expires_at)
            VALUES (this->'unique'->>'key', this->>'id', moment + (this->'unique'->>'window')::float8)
            ON CONFLICT (key) DO UPDATE SET job = excluded.job, expires_at = excluded.expires_at, finished = false;
        END IF;
        answers := answers || json_build_array(this->>'id', false, holder);
        accepted := accepted || this;
    END LOOP;
    PERFORM queuemgr.put(array_to_json(accepted), moment, surely);
    RETURN json_build_object('jobs', array_to_json(answers));
EXCEPTION WHEN SQLSTATE 'QM001' THEN
    RETURN json_build_object('taken', refused);
END $$;

-- The new job takes the place of the old one, which is cancelled unless it runs or has ended already.
CREATE OR REPLACE FUNCTION queuemgr.replace(old text, new text, moment float8) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM queuemgr.finish(
        ARRAY(SELECT seq FROM queuemgr.jobs WHERE id = old AND state IN (0, 1, 3, 4) FOR UPDATE),
        7, moment, json_build_object('message', 'replaced by ' || new), false);
END $$;
