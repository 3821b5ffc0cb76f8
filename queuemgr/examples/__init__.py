"""Programs to run and to read: `python -m queuemgr.examples.result_job`. The product uses none of them."""
