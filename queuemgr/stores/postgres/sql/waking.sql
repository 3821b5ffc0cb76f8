-- Who is told of what. A NOTIFY takes a lock of the whole server at its commit, so that commits that carry one wait for
-- each other: it is left out while nobody waits.

CREATE OR REPLACE FUNCTION queuemgr.clock(given float8) RETURNS float8 LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(given, extract(epoch FROM clock_timestamp())::float8)
$$;

CREATE OR REPLACE FUNCTION queuemgr.space() RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT ('queuemgr.jobs'::regclass::oid::bigint % 2147483647)::integer
$$;

-- The lock that is held, shared, by the connection of everyone who waits: 1 for work, 2 for the end of a job.
CREATE OR REPLACE FUNCTION queuemgr.door(what integer) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT queuemgr.space()::bigint * 256 + what
$$;

-- Who comes to wait after this was asked and before the commit looks again a moment later.
CREATE OR REPLACE FUNCTION queuemgr.awaited(what integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN NOT pg_try_advisory_lock(queuemgr.door(what)) OR NOT pg_advisory_unlock(queuemgr.door(what));
END $$;

CREATE OR REPLACE FUNCTION queuemgr.attend(what integer) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_lock_shared(queuemgr.door(what))
$$;

CREATE OR REPLACE FUNCTION queuemgr.ignore(what integer) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_unlock_shared(queuemgr.door(what))
$$;

-- Of ready jobs everyone who waits for their queues is told, of a moment that may be sooner than others everyone.
CREATE OR REPLACE FUNCTION queuemgr.tell(ready text[], later boolean, ended boolean, surely boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    IF (ready IS NOT NULL OR later) AND (surely OR queuemgr.awaited(1)) THEN
        FOR name IN SELECT DISTINCT unnest(ready) LOOP
            IF NOT EXISTS (SELECT FROM queuemgr.paused WHERE queue = name) THEN
                PERFORM pg_notify('queuemgr', CASE WHEN octet_length(name) < 4000 THEN 'ready ' || name ELSE 'look' END);
            END IF;
        END LOOP;
        IF later THEN
            PERFORM pg_notify('queuemgr', 'look');
        END IF;
    END IF;
    IF ended AND (surely OR queuemgr.awaited(2)) THEN
        PERFORM pg_notify('queuemgr', 'ended');
    END IF;
END $$;

-- How many more jobs of a queue may run; null where nobody set a limit.
CREATE OR REPLACE FUNCTION queuemgr.room(name text) RETURNS integer LANGUAGE plpgsql
SET enable_seqscan = off SET jit = off AS $$
BEGIN
    RETURN (SELECT running - (SELECT count(*)::integer FROM queuemgr.jobs WHERE state = 2 AND jobs.queue = name)
            FROM queuemgr.limits WHERE limits.queue = name);
END $$;

-- Let everyone who waits look again.
CREATE OR REPLACE FUNCTION queuemgr.rouse() RETURNS void LANGUAGE sql AS $$
    SELECT pg_notify('queuemgr', 'look')
$$;

-- What somebody who waits wants to know: which of these queues have work, the moment at which there may be more, and
-- which of these jobs have ended (5 and more) or are gone (null).
CREATE OR REPLACE FUNCTION queuemgr.look(queues json, ids json, given float8) RETURNS json LANGUAGE plpgsql
SET enable_seqscan = off SET jit = off AS $$
BEGIN
    RETURN json_build_object(
        'ready', (SELECT json_agg(name) FROM json_array_elements_text(queues) AS name
                  WHERE name NOT IN (SELECT queue FROM queuemgr.paused)
                  AND NOT EXISTS (SELECT FROM queuemgr.limits WHERE queue = name AND queuemgr.room(name) <= 0)
                  AND EXISTS (SELECT FROM queuemgr.jobs WHERE state = 1 AND crashes = 0 AND queue = name)),
        'due', least((SELECT min(run_at) FROM queuemgr.jobs WHERE state = 0),
                     (SELECT min(next_at) FROM queuemgr.schedules WHERE next_at IS NOT NULL)),
        'now', queuemgr.clock(given),
        'ended', (SELECT json_agg(json_build_array(asked, done.state))
                  FROM json_array_elements_text(ids) AS asked LEFT JOIN queuemgr.done ON done.id = asked
                  WHERE done.state IS NOT NULL OR NOT EXISTS (SELECT FROM queuemgr.jobs WHERE jobs.id = asked)));
END $$;
