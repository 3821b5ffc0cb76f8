"""`python -m queuemgr.service.host`: the process that `running.start` makes. People start it by other commands."""

from __future__ import annotations

import sys

from .running import main

sys.exit(main())
