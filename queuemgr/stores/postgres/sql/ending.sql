-- The end of jobs and of runs.

-- For how long a job is kept after its end: seven days where it says nothing, a dead one ninety at least.
CREATE OR REPLACE FUNCTION queuemgr.lifetime(state smallint, keep float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN state = 6 THEN greatest(coalesce(keep, 0), 7776000) ELSE coalesce(keep, 604800) END
$$;

-- These unfinished jobs have ended now. `why` replaces what they said last, unless it is null.
CREATE OR REPLACE FUNCTION queuemgr.finish(seqs bigint[], fate integer, moment float8, why json, free boolean) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
DECLARE
    holders text[];
BEGIN
    WITH gone AS (
        DELETE FROM queuemgr.jobs WHERE seq = ANY(seqs) RETURNING *
    ), kept AS (
        INSERT INTO queuemgr.done (seq, created_at, run_at, started_at, keep, progress, finished_at, expires_at, attempt,
            failures, crashes, crash_budget, priority, state, at_most_once, cancel, id, queue, task, worker, unique_key,
            note, tags, options, error, args)
        SELECT seq, created_at, run_at, started_at, keep, progress, moment,
            moment + queuemgr.lifetime(fate::smallint, keep), attempt, failures, crashes, crash_budget, priority, fate,
            at_most_once, cancel, id, queue, task, worker, unique_key, note, tags, options, coalesce(why, error), args
        FROM gone ON CONFLICT (id) DO NOTHING
    )
    SELECT array_agg(id) INTO holders FROM gone WHERE unique_key IS NOT NULL;
    IF free AND holders IS NOT NULL THEN
        PERFORM queuemgr.free_keys(holders, moment);
    END IF;
    PERFORM queuemgr.tell(NULL, false, cardinality(seqs) > 0, false);
END $$;

-- The jobs have ended: their keys are free, at once or when their windows are over.
CREATE OR REPLACE FUNCTION queuemgr.free_keys(holders text[], moment float8) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    DELETE FROM queuemgr.unique_keys
    WHERE job = ANY(holders) AND (expires_at IS NULL OR expires_at <= moment);
    UPDATE queuemgr.unique_keys SET finished = true WHERE job = ANY(holders);
END $$;

-- The end of many runs. `good` are plain successes, `others` have more to tell; the numbers `n` of those that counted
-- come back. `keyed` are the ids of jobs that may hold a unique key. `again` says that all of this may have been sent
-- before: then what was applied counts once more.
CREATE OR REPLACE FUNCTION queuemgr.settle(good json, others json, keyed json, again boolean) RETURNS json LANGUAGE plpgsql
SET enable_seqscan = off SET jit = off AS $$
DECLARE
    counted integer[];
    holders text[];
    latest float8;
BEGIN
    IF keyed IS NOT NULL THEN
        -- Keys before jobs, as an enqueue locks them; in one order, so that none waits for another for ever.
        PERFORM FROM queuemgr.unique_keys WHERE job IN (SELECT json_array_elements_text(keyed)) ORDER BY key FOR UPDATE;
    END IF;
    WITH ended AS (
        SELECT * FROM json_to_recordset(good) AS run (
            n integer, seq bigint, attempt integer, worker text, began_at float8, ended_at float8, result text)
    ), gone AS (
        DELETE FROM queuemgr.jobs USING ended
        WHERE jobs.seq = ended.seq AND jobs.attempt = ended.attempt AND jobs.worker = ended.worker AND jobs.state = 2
        RETURNING jobs.*, n, began_at, ended_at, result
    ), kept AS (
        INSERT INTO queuemgr.done (seq, created_at, run_at, started_at, keep, progress, finished_at, expires_at, attempt,
            failures, crashes, crash_budget, priority, state, at_most_once, cancel, id, queue, task, worker, unique_key,
            note, tags, options, args, result)
        SELECT seq, created_at, run_at, began_at, keep, 100, ended_at, ended_at + queuemgr.lifetime(5::smallint, keep),
            attempt, failures, crashes, crash_budget, priority, 5, at_most_once, cancel, id, queue, task, worker,
            unique_key, note, tags, options, args, decode(result, 'base64')
        FROM gone ON CONFLICT (id) DO NOTHING
    )
    SELECT array_agg(n), array_agg(id) FILTER (WHERE unique_key IS NOT NULL), max(ended_at)
    INTO counted, holders, latest FROM gone;
    IF holders IS NOT NULL THEN
        PERFORM queuemgr.free_keys(holders, latest);
    END IF;
    PERFORM queuemgr.tell(NULL, false, counted IS NOT NULL, false);
    IF others IS NOT NULL THEN
        counted := counted || queuemgr.settle_each(others);
    END IF;
    IF counted IS NOT NULL AND EXISTS (SELECT FROM queuemgr.limits) THEN
        PERFORM queuemgr.tell(ARRAY(SELECT queue FROM queuemgr.limits), false, false, false);
    END IF;
    IF again THEN
        counted := counted || queuemgr.settled_before(good) || queuemgr.settled_before(others);
    END IF;
    RETURN array_to_json(counted);
END $$;

CREATE OR REPLACE FUNCTION queuemgr.settled_before(runs json) RETURNS integer[] LANGUAGE sql
SET enable_seqscan = off AS $$
    SELECT array_agg(n) FROM json_to_recordset(runs) AS run (
        n integer, seq bigint, attempt integer, worker text, ended_at float8)
    WHERE EXISTS (SELECT FROM queuemgr.done WHERE done.seq = run.seq AND done.attempt = run.attempt
                  AND done.worker = run.worker AND done.finished_at = run.ended_at)
    OR EXISTS (SELECT FROM queuemgr.attempts WHERE job = run.seq AND number = run.attempt
               AND attempts.worker = run.worker AND attempts.ended_at = run.ended_at)
$$;

-- Runs that failed, crashed, were snoozed, cancelled, given back, or have their memory to tell.
CREATE OR REPLACE FUNCTION queuemgr.settle_each(runs json) RETURNS integer[] LANGUAGE plpgsql
SET enable_seqscan = off SET jit = off AS $$
DECLARE
    counted integer[];
    run record;
    job queuemgr.jobs;
BEGIN
    FOR run IN SELECT * FROM json_to_recordset(runs) AS run (
        n integer, seq bigint, attempt integer, worker text, began_at float8, ended_at float8, result text,
        state smallint, word text, run_at float8, failed boolean, crashed boolean, error json, exit_signal text, peak_memory bigint) ORDER BY seq
    LOOP
        SELECT * INTO job FROM queuemgr.jobs
        WHERE seq = run.seq AND attempt = run.attempt AND worker = run.worker AND state = 2 FOR UPDATE;
        IF NOT FOUND THEN
            CONTINUE;
        END IF;
        counted := counted || run.n;
        INSERT INTO queuemgr.attempts (job, number, worker, started_at, ended_at, outcome, error, exit_signal, peak_memory)
        VALUES (run.seq, run.attempt, run.worker, run.began_at, run.ended_at, run.word, run.error, run.exit_signal,
                run.peak_memory) ON CONFLICT DO NOTHING;
        UPDATE queuemgr.jobs SET
            failures = failures + run.failed::integer, crashes = crashes + run.crashed::integer,
            state = CASE WHEN run.state < 5 THEN run.state ELSE state END,
            run_at = CASE WHEN run.state < 5 THEN coalesce(run.run_at, run_at) ELSE run_at END,
            worker = CASE WHEN run.state < 5 THEN NULL ELSE worker END,
            started_at = run.began_at,
            progress = CASE WHEN run.state = 5 THEN 100 ELSE progress END,
            error = run.error
        WHERE seq = run.seq;
        IF run.state >= 5 THEN
            PERFORM queuemgr.finish(ARRAY[run.seq], run.state, run.ended_at, NULL, true);
            IF run.result IS NOT NULL THEN
                UPDATE queuemgr.done SET result = decode(run.result, 'base64') WHERE id = job.id;
            END IF;
        ELSIF job.cancel THEN
            PERFORM queuemgr.finish(ARRAY[run.seq], 7, run.ended_at, NULL, true);
        ELSE
            PERFORM queuemgr.tell(CASE WHEN run.state = 1 THEN ARRAY[job.queue] END, run.state = 0, false, false);
        END IF;
    END LOOP;
    RETURN counted;
END $$;
