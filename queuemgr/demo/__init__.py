"""The package shown at work: one job for each file of a folder. Nothing in queuemgr itself depends on it."""
