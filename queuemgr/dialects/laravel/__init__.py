"""Laravel's queues: its payloads, its PHP values, its encryption, and its Redis and database drivers as stores.

The other drivers of Laravel are not here.
"""

from __future__ import annotations
