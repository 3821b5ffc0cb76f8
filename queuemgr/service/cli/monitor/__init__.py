"""`queuemgr monitor`: a screen that follows the queues."""
