"""Whether an answer fits the type that its operation declares: nothing missing, nothing else, nothing of another type.

Holds no test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from queuemgr.service.operations.table import find
from queuemgr.service.web.request import encode


def misfits(name: str, answer: Any, kind: Any = None) -> list[str]:
    """What is wrong with the answer of that operation, as every face tells it; nothing where it fits.

    `kind` is another type that it is to fit.
    """
    plain = msgspec.json.decode(encode(answer))
    try:
        fitting = msgspec.convert(plain, kind or find(name).result)
    except msgspec.ValidationError as error:
        return [f"{name}: {error}"]
    return [f"{name}: {one} is not declared" for one in _lost(plain, fitting, "$")]


def _lost(plain: Any, fitting: Any, path: str) -> Iterator[str]:
    """What the conversion left out, which are the keys that the type does not have."""
    if isinstance(plain, dict):
        for key, value in plain.items():
            if key in fitting:
                yield from _lost(value, fitting[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(plain, list):
        for one, other in zip(plain, fitting, strict=True):
            yield from _lost(one, other, f"{path}[]")
    elif plain != fitting:
        yield f"{path} as {plain!r}"
