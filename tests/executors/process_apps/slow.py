"""An app whose import takes for ever. It tells who imports it where the environment says where to."""

from __future__ import annotations

import os
import time
from pathlib import Path

if note := os.environ.get("IMPORTS"):
    Path(f"{note}.tmp").write_text(str(os.getpid()))
    Path(f"{note}.tmp").rename(note)
time.sleep(600)
