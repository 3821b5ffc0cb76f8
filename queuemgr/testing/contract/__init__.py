"""The contract of a store as tests, by topic. `queuemgr.testing.StoreSuite` is all of them."""

from __future__ import annotations
