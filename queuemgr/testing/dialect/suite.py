"""The whole contract of a dialect, as one class to inherit from. It holds no test of its own."""

from __future__ import annotations

from .formats import FormatCases
from .life import LifeCases
from .live import PeerCases
from .promises import PromiseCases


class DialectSuite(FormatCases, PromiseCases, LifeCases, PeerCases):
    """The contract in `queuemgr.dialect` as tests. A dialect passes all of it or is none.

    A class that inherits from it is named Test... and has these fixtures: `url`, the address of an empty store of this
    test alone, which `queuemgr.app.open_store` knows; `dialect`; `captures`, real records of every version that is
    supported; `everything`, a function that shows all that the foreign system holds; and `peer`, the foreign system.
    `task` is the name of a task that the dialect can write.
    """
