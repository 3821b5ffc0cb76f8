"""The contract of a dialect as tests, by topic. `suite.DialectSuite` is all of them."""

from __future__ import annotations
