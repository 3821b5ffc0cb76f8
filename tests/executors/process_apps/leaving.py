"""An app whose import ends its process."""

from __future__ import annotations

import os

os._exit(7)
