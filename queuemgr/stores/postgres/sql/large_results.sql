-- Large results, in rows of bounded size, and who needs them.

CREATE TABLE IF NOT EXISTS queuemgr.large_results (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    draft text UNIQUE,
    digest text UNIQUE,
    size bigint NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS queuemgr.large_result_chunks (
    number bigint NOT NULL REFERENCES queuemgr.large_results ON DELETE CASCADE,
    start bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (number, start)
);
-- The bytes are compressed already.
ALTER TABLE queuemgr.large_result_chunks ALTER data SET STORAGE EXTERNAL;

CREATE TABLE IF NOT EXISTS queuemgr.large_result_holders (
    digest text NOT NULL,
    owner text NOT NULL,
    PRIMARY KEY (digest, owner)
);
