-- Since then a worker says by which process it is told from others that had its name before.
DROP FUNCTION IF EXISTS queuemgr.leave(text, float8, boolean);
