"""What a job holds, as answers tell it: arguments, result and output."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from .jobs import LineFacts, ShownArguments
from .units import (
    Bytes,
    StateWord,
    Tagged,  # noqa: F401  # on Python 3.14 msgspec looks here, too, for what ShownArguments names
    Untagged,
)


class JobArguments(ShownArguments):
    id: str
    task: str
    secrets: Annotated[int, Meta(description="values that are shown as dots")]
    cut: Annotated[bool, Meta(description="there is only the beginning")]
    editable: Annotated[bool, Meta(description="all of it is here, so that it can be changed and sent back")]


class ItemsFacts(TypedDict):
    items: list[Untagged] | None
    next: Annotated[int | None, Meta(description="the offset that follows; null at the end")]
    offset: NotRequired[int]


class ResultFacts(TypedDict):
    """Where there is no result, `none` says why; what cannot be read has no more than a size."""

    size: Bytes
    kind: Annotated[str, Meta(description="list, dict, bytes, value (anything else), none or unreadable")]
    none: NotRequired[str]
    length: NotRequired[Annotated[int | None, Meta(description="items of a list, keys of a dict")]]
    shape: NotRequired[Annotated[str, Meta(description="what it looks like, in words")]]
    sample: NotRequired[Annotated[Any, Meta(description="its beginning")]]
    lists: NotRequired[Annotated[dict[str, int], Meta(description="lengths of the lists in it, by their keys")]]
    complete: NotRequired[Annotated[bool, Meta(description="false as long as it may be written")]]
    value: NotRequired[Untagged]
    items: NotRequired[list[Untagged] | None]
    next: NotRequired[Annotated[int | None, Meta(description="the offset that follows; null at the end")]]
    offset: NotRequired[int]


class JobResult(ResultFacts):
    id: str
    state: StateWord


class JobOutput(TypedDict):
    id: str
    state: StateWord
    lines: list[LineFacts]
    partial: Annotated[list[LineFacts], Meta(description="lines without an end so far; they come again")]
    after: Annotated[int, Meta(description="the position after which to go on")]
    more: Annotated[bool, Meta(description="there is more already")]
