-- Workers: they join, beat, leave and die. A claim holds its worker's lock shared, and who takes a worker's jobs back
-- holds it alone: so no job is leased to a worker that has just been forgotten.

-- Whether it is this process, {host, pid, birth}, that works under the name.
CREATE OR REPLACE FUNCTION queuemgr.is_life(registered queuemgr.workers, life json) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT ($1.host, $1.pid, $1.birth) = (life->>0, (life->>1)::bigint, (life->>2)::bigint)
$$;

-- A worker begins. Where another process bears its name, that one's life is the answer, and nothing happens unless the
-- worker says that it comes `instead` of just that one: then what that one held goes back first.
CREATE OR REPLACE FUNCTION queuemgr.join_worker(info json, instead json, given float8) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    known queuemgr.workers;
BEGIN
    PERFORM pg_advisory_xact_lock(queuemgr.space(), hashtext('worker ' || (info->>'id')));
    SELECT * INTO known FROM queuemgr.workers WHERE id = info->>'id';
    IF FOUND AND NOT queuemgr.is_life(known, json_build_array(info->'host', info->'pid', info->'birth')) THEN
        IF instead IS NULL OR NOT queuemgr.is_life(known, instead) THEN
            RETURN json_build_array(known.host, known.pid, known.birth);
        END IF;
        PERFORM queuemgr.take_back(known.id, queuemgr.clock(given), known.state <> 'stopping');
    END IF;
    INSERT INTO queuemgr.workers AS old SELECT * FROM json_populate_record(NULL::queuemgr.workers, info)
    ON CONFLICT (id) DO UPDATE SET (host, pid, birth, name, queues, tasks, concurrency, started_at, beat_at, state,
                                    fence) =
        (excluded.host, excluded.pid, excluded.birth, excluded.name, excluded.queues, excluded.tasks,
         excluded.concurrency, excluded.started_at, excluded.beat_at, excluded.state,
         CASE WHEN (old.pid, old.birth) = (excluded.pid, excluded.birth) THEN old.fence END);
    RETURN NULL;
END $$;

-- Answers the store's time, whether the worker is known, and which of its jobs somebody wants cancelled. Nothing is
-- written while the last beat is younger than `rest` seconds, and nothing happens where, with `life`, another process
-- bears the name by now.
CREATE OR REPLACE FUNCTION queuemgr.beat(who text, life json, said text, rest float8, given float8) RETURNS json LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    moment float8 := queuemgr.clock(given);
    known queuemgr.workers;
BEGIN
    SELECT * INTO known FROM queuemgr.workers WHERE id = who;
    IF life IS NOT NULL AND NOT queuemgr.is_life(known, life) THEN
        RETURN json_build_object('now', moment, 'known', true, 'cancelled', NULL);
    ELSIF known.beat_at NOT BETWEEN moment - rest AND moment OR known.state <> said THEN
        PERFORM set_config('synchronous_commit', 'off', true);
        -- Another may have come in its place since.
        UPDATE queuemgr.workers SET beat_at = moment, state = coalesce(said, state)
        WHERE id = who AND (host, pid, birth) = (known.host, known.pid, known.birth);
    END IF;
    RETURN json_build_object('now', moment, 'known', known.id IS NOT NULL, 'cancelled', (
        SELECT json_agg(id) FROM queuemgr.jobs WHERE state = 2 AND worker = who AND cancel));
END $$;

-- All workers, to find the dead among them. A beat from the future was made before the clock was put back.
CREATE OR REPLACE FUNCTION queuemgr.roll(given float8) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    moment float8 := queuemgr.clock(given);
BEGIN
    IF EXISTS (SELECT FROM queuemgr.workers WHERE beat_at > moment) THEN
        UPDATE queuemgr.workers SET beat_at = moment WHERE beat_at > moment;
    END IF;
    RETURN json_build_object('now', moment, 'workers', (
        SELECT json_agg(json_build_array(id, host, pid, birth, beat_at, state)) FROM queuemgr.workers));
END $$;

-- This worker was found dead as it stood in the roll. Nothing happens where it has beaten or come anew since.
CREATE OR REPLACE FUNCTION queuemgr.bury(who text, host_ text, pid_ bigint, birth_ bigint, beat float8, given float8) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    PERFORM pg_advisory_xact_lock(queuemgr.space(), hashtext('worker ' || who));
    SELECT state INTO said FROM queuemgr.workers
    WHERE id = who AND host = host_ AND pid = pid_ AND birth = birth_ AND (beat IS NULL OR beat_at = beat) FOR UPDATE;
    IF FOUND THEN
        -- One that was stopping was ended by whoever stopped it, not by a job.
        PERFORM queuemgr.take_back(who, queuemgr.clock(given), said <> 'stopping');
    END IF;
    RETURN FOUND;
END $$;

CREATE OR REPLACE FUNCTION queuemgr.take_back(who text, moment float8, died boolean) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET jit = off AS $$
DECLARE
    word text := CASE WHEN died THEN 'interrupted' ELSE 'given back' END;
    message text := CASE WHEN died THEN format('the worker %s died while it ran the job', who)
                         ELSE format('the worker %s left', who) END;
    any_suspect boolean;
    blamed boolean;
    fate integer;
    reason text;
    why json;
    job queuemgr.jobs;
BEGIN
    PERFORM pg_advisory_xact_lock(queuemgr.space(), hashtext('worker ' || who));
    DELETE FROM queuemgr.workers WHERE id = who;
    PERFORM FROM queuemgr.unique_keys WHERE unique_keys.job IN (
        SELECT id FROM queuemgr.jobs WHERE state = 2 AND worker = who AND unique_key IS NOT NULL)
    ORDER BY key FOR UPDATE;
    -- A worker holds at most one job that has seen a worker die before. If it dies with one, that one is the suspect.
    any_suspect := EXISTS (SELECT FROM queuemgr.jobs WHERE state = 2 AND worker = who AND crashes > 0);
    FOR job IN SELECT * FROM queuemgr.jobs WHERE state = 2 AND worker = who ORDER BY seq FOR UPDATE LOOP
        blamed := died AND (job.crashes > 0 OR NOT any_suspect);
        job.crashes := job.crashes + blamed::integer;
        fate := 6;
        IF job.cancel THEN
            fate := 7;
            reason := 'cancelled while running';
        ELSIF job.at_most_once THEN
            reason := 'it was interrupted, and it runs at most once';
        ELSIF blamed AND job.crashes >= job.crash_budget THEN
            reason := format('quarantined: %s workers died while they ran it', job.crashes);
        ELSE
            fate := 1;
            reason := NULL;
        END IF;
        why := json_build_object('type', 'queuemgr.errors.Interrupted', 'message', message, 'reason', reason);
        INSERT INTO queuemgr.attempts (job, number, worker, started_at, ended_at, outcome, error)
        VALUES (job.seq, job.attempt, who, job.started_at, moment, word, why) ON CONFLICT DO NOTHING;
        UPDATE queuemgr.jobs SET state = CASE WHEN fate = 1 THEN 1 ELSE state END, crashes = job.crashes,
            worker = NULL, error = why WHERE seq = job.seq;
        IF fate = 1 THEN
            PERFORM queuemgr.tell(ARRAY[job.queue], false, false, false);
        ELSE
            PERFORM queuemgr.finish(ARRAY[job.seq], fate, moment, why, true);
        END IF;
    END LOOP;
END $$;

-- With `life`, nothing happens where another process bears the name by now: this was sent by one before it.
CREATE OR REPLACE FUNCTION queuemgr.leave(who text, life json, given float8, died boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(queuemgr.space(), hashtext('worker ' || who));
    IF life IS NULL OR EXISTS (SELECT FROM queuemgr.workers WHERE id = who AND queuemgr.is_life(workers, life)) THEN
        PERFORM queuemgr.take_back(who, queuemgr.clock(given), died);
    END IF;
END $$;

-- What running jobs have said. `output` is an array of [moment, stream, text in base64].
CREATE OR REPLACE FUNCTION queuemgr.report(said json) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET jit = off AS $$
BEGIN
    WITH told AS (
        SELECT * FROM json_to_recordset(said) AS one (
            seq bigint, attempt integer, progress float8, note text, output json)
    ), heard AS (
        UPDATE queuemgr.jobs SET progress = coalesce(told.progress, jobs.progress), note = coalesce(told.note, jobs.note)
        FROM told WHERE jobs.seq = told.seq AND jobs.attempt = told.attempt AND jobs.state = 2
        RETURNING jobs.seq, jobs.attempt, told.output
    )
    INSERT INTO queuemgr.output (job, attempt, at, stream, text)
    SELECT seq, attempt, (line->>0)::float8, line->>1, decode(line->>2, 'base64')
    FROM heard, json_array_elements(output) WITH ORDINALITY AS lines (line, number) ORDER BY seq, number;
END $$;
