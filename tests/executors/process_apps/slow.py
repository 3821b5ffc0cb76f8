"""An app whose import takes for ever."""

from __future__ import annotations

import time

time.sleep(600)
