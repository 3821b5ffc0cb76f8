"""Laravel's queues: its payloads, its PHP values, its encryption, and its Redis driver as a store.

The database driver of Laravel is not here.
"""

from __future__ import annotations
