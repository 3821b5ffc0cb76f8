"""The words and units that answers share. Nothing is converted here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

Moment = Annotated[float, Meta(description="seconds since 1970")]
Seconds = Annotated[float, Meta(description="seconds")]
Bytes = Annotated[int, Meta(description="bytes")]
Percent = Annotated[float, Meta(description="0 to 100")]
Share = Annotated[float, Meta(description="0 to 1")]
Rate = Annotated[float, Meta(description="runs a second")]

StateWord = Literal["scheduled", "ready", "running", "held", "parked", "succeeded", "dead", "cancelled"]
ScopeWord = Literal["read", "operate", "administer"]
StreamWord = Literal["stdout", "stderr", "log"]
Counts = dict[StateWord, int]

Failure = Annotated[dict[str, Any], Meta(description="type, message and traceback, as far as they are known")]
Tagged = Annotated[
    Any, Meta(description='as JSON; values of types that JSON lacks are {"$": type, "v": plain form}, secrets are dots')
]
Untagged = Annotated[Any, Meta(description="as JSON; values of types that JSON lacks in a plain form, secrets as dots")]
