"""`queuemgr job`: the jobs of the service, asked for and changed one at a time."""
