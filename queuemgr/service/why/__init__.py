"""Why a job is where it is, what comes next and what a person can do about it. It changes nothing.

`explain` asks the store a bounded number of bounded questions, so that it is as fast with a million jobs as with ten.
"""

from __future__ import annotations

from .answer import Answer, Next, Reason, Step
from .explaining import explain

__all__ = ["Answer", "Next", "Reason", "Step", "explain"]
