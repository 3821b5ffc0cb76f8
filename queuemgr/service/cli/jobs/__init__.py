"""`queuemgr jobs`: to look at jobs, wait for them and change them."""
