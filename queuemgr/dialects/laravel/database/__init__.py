"""Laravel's database driver as a store: its table of jobs, its table of failed ones, and our own beside them.

Nothing here makes or alters a table of Laravel's.
"""

from __future__ import annotations
