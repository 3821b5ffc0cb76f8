-- The claim. `wish` is {worker, ticket, life: [host, pid, birth], lease, queues: [[name, share], ...], most, tasks}, with
-- `life` where the worker has joined; `again` says that it may have been sent before. Answers {now, known, due, leases},
-- or {now, known, another} where another process bears the worker's name by now: it would not hear of these leases.
-- Tickets grow. What is sent again sets a fence: should the first sending come later than it, over a connection that
-- was given up, it leases nothing, because nobody would hear of it.
CREATE OR REPLACE FUNCTION queuemgr.claim(wish json, again boolean, given float8) RETURNS json LANGUAGE plpgsql
SET enable_seqscan = off SET jit = off AS $$
DECLARE
    moment float8 := queuemgr.clock(given);
    me text := wish->>'worker';
    chosen bigint[] := '{}';
    leases json;
    mine bigint := (wish->>'ticket')::bigint;
    may_choose boolean := true;
    registered queuemgr.workers;
BEGIN
    IF again THEN
        -- Alone: the first sending, if it is still at work, ends before.
        PERFORM pg_advisory_xact_lock(queuemgr.space(), hashtext('worker ' || me));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(queuemgr.space(), hashtext('worker ' || me));
    END IF;
    IF wish->>'life' IS NOT NULL THEN
        SELECT * INTO registered FROM queuemgr.workers WHERE id = me;
        IF NOT FOUND THEN
            -- One that was taken for dead but asks on is alive: what it leases must have an owner whose death is noticed.
            RETURN json_build_object('now', moment, 'known', false);
        ELSIF NOT queuemgr.is_life(registered, wish->'life') THEN
            RETURN json_build_object('now', moment, 'known', true, 'another', true);
        END IF;
    END IF;
    IF again THEN
        UPDATE queuemgr.workers SET fence = mine WHERE id = me AND (fence IS NULL OR fence < mine);
        may_choose := FOUND OR NOT EXISTS (SELECT FROM queuemgr.workers WHERE id = me);
    ELSE
        may_choose := NOT EXISTS (SELECT FROM queuemgr.workers WHERE id = me AND fence >= mine);
    END IF;
    IF wish->>'life' IS NOT NULL THEN
        UPDATE queuemgr.workers SET beat_at = moment
        WHERE id = me AND beat_at NOT BETWEEN moment - (wish->>'lease')::float8 / 3 AND moment;
    END IF;
    PERFORM queuemgr.promote(moment);
    IF again THEN
        leases := queuemgr.leases_of(me, mine);
    END IF;
    IF leases IS NULL AND may_choose AND (wish->>'most')::integer > 0 THEN
        chosen := queuemgr.choose(wish);
    END IF;
    IF cardinality(chosen) > 0 THEN
        -- Anew: what was chosen may have ended elsewhere while this waited.
        moment := queuemgr.clock(given);
        UPDATE queuemgr.jobs SET state = 2, worker = me, ticket = mine, attempt = attempt + 1,
            started_at = moment, progress = NULL, note = NULL WHERE seq = ANY(chosen);
        leases := queuemgr.leases_of(me, mine);
    END IF;
    RETURN json_build_object('now', moment, 'known', true, 'leases', leases, 'due', least(
        (SELECT min(run_at) FROM queuemgr.jobs WHERE state = 0),
        (SELECT min(next_at) FROM queuemgr.schedules WHERE next_at IS NOT NULL)));
END $$;

-- Scheduled jobs stand outside the index of ready ones: at its head they would be read and skipped by every claim.
CREATE OR REPLACE FUNCTION queuemgr.promote(moment float8) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM queuemgr.jobs WHERE state = 0 AND run_at <= moment) THEN
        UPDATE queuemgr.jobs SET state = 1 WHERE seq = ANY(ARRAY(
            SELECT seq FROM queuemgr.jobs WHERE state = 0 AND run_at <= moment
            ORDER BY run_at LIMIT 500 FOR UPDATE SKIP LOCKED));
    END IF;
END $$;

-- Locks the jobs that are to be leased. Each queue gets its share first; then what is left goes to whoever has work.
CREATE OR REPLACE FUNCTION queuemgr.choose(wish json) RETURNS bigint[] LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    chosen bigint[] := '{}';
    found bigint[];
    most integer := (wish->>'most')::integer;
    parked boolean := EXISTS (SELECT FROM queuemgr.jobs WHERE state = 4);
    known text[];
    asked record;
    room integer;
    limited boolean := EXISTS (SELECT FROM queuemgr.limits);
BEGIN
    IF limited THEN
        -- One claim at a time counts and fills such a queue; in one order, so that none waits for another for ever.
        PERFORM pg_advisory_xact_lock(queuemgr.space(), hashtext('limit ' || queue))
        FROM (SELECT queue FROM queuemgr.limits
              WHERE queue IN (SELECT one->>0 FROM json_array_elements(wish->'queues') AS one) ORDER BY queue) AS full_soon;
    END IF;
    IF parked THEN
        known := ARRAY(SELECT json_array_elements_text(wish->'tasks'));
    END IF;
    IF parked OR EXISTS (SELECT FROM queuemgr.jobs WHERE state = 1 AND crashes > 0) THEN
        chosen := queuemgr.choose_suspect(wish, known);
    END IF;
    FOR asked IN
        SELECT one->>0 AS name, CASE pass WHEN 1 THEN (one->>1)::integer ELSE most END AS share
        FROM generate_series(1, 2) AS pass, json_array_elements(wish->'queues') WITH ORDINALITY AS each (one, place)
        WHERE (pass = 1 OR (one->>1)::integer < most)
            AND NOT EXISTS (SELECT FROM queuemgr.paused WHERE queue = one->>0)
        ORDER BY pass, place
    LOOP
        room := least(asked.share, most - cardinality(chosen));
        EXIT WHEN most <= cardinality(chosen);
        IF limited THEN
            room := least(room, queuemgr.room(asked.name)
                - (SELECT count(*)::integer FROM queuemgr.jobs WHERE seq = ANY(chosen) AND queue = asked.name));
        END IF;
        IF parked AND room > 0 THEN
            found := ARRAY(
                SELECT seq FROM queuemgr.jobs
                WHERE state = 4 AND crashes = 0 AND task = ANY(known) AND queue = asked.name AND seq <> ALL(chosen)
                ORDER BY task, seq LIMIT room FOR UPDATE SKIP LOCKED);
            chosen := chosen || found;
            room := room - cardinality(found);
        END IF;
        IF room > 0 THEN
            chosen := chosen || ARRAY(
                SELECT seq FROM queuemgr.jobs
                WHERE state = 1 AND crashes = 0 AND queue = asked.name AND seq <> ALL(chosen)
                ORDER BY priority DESC, seq LIMIT room FOR UPDATE SKIP LOCKED);
        END IF;
    END LOOP;
    RETURN chosen;
END $$;

-- Of the jobs that have seen a worker die at most one, and none while the worker runs such a job.
CREATE OR REPLACE FUNCTION queuemgr.choose_suspect(wish json, known text[]) RETURNS bigint[] LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    chosen bigint[] := '{}';
    name text;
BEGIN
    IF EXISTS (SELECT FROM queuemgr.jobs WHERE state = 2 AND worker = wish->>'worker' AND crashes > 0) THEN
        RETURN chosen;
    END IF;
    FOR name IN
        SELECT one->>0 FROM json_array_elements(wish->'queues') WITH ORDINALITY AS each (one, place)
        WHERE NOT EXISTS (SELECT FROM queuemgr.paused WHERE queue = one->>0)
            AND coalesce(queuemgr.room(one->>0), 1) > 0 ORDER BY place
    LOOP
        chosen := ARRAY(
            SELECT seq FROM queuemgr.jobs WHERE state = 1 AND crashes > 0 AND queue = name
            ORDER BY seq LIMIT 1 FOR UPDATE SKIP LOCKED);
        EXIT WHEN cardinality(chosen) > 0;
        chosen := ARRAY(
            SELECT seq FROM queuemgr.jobs WHERE state = 4 AND crashes > 0 AND task = ANY(known) AND queue = name
            ORDER BY task, seq LIMIT 1 FOR UPDATE SKIP LOCKED);
        EXIT WHEN cardinality(chosen) > 0;
    END LOOP;
    RETURN chosen;
END $$;

CREATE OR REPLACE FUNCTION queuemgr.leases_of(who text, of_ticket bigint) RETURNS json LANGUAGE plpgsql
SET enable_seqscan = off AS $$
BEGIN
    RETURN (SELECT json_agg(json_build_array(seq, id, task, queue, attempt, failures, crashes, at_most_once, options,
        translate(encode(args, 'base64'), E'\n', ''), started_at, unique_key IS NOT NULL) ORDER BY priority DESC, seq)
    FROM queuemgr.jobs WHERE state = 2 AND worker = who AND ticket = of_ticket);
END $$;
