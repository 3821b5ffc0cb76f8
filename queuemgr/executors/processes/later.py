"""Does something as soon as a module is there, which perhaps nobody ever imports. It imports none by itself."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def when_imported(name: str, action: Callable[[], None]) -> Callable[[], None]:
    """Call `action` now if the module is there, else once somebody has imported it. Returns what calls that off."""
    if name in sys.modules:
        action()
        return lambda: None
    watch = _Watch(name, action)
    sys.meta_path.insert(0, watch)
    return watch.end


class _Watch:
    """Among Python's finders of modules, until the one that it waits for is imported."""

    def __init__(self, name: str, action: Callable[[], None]) -> None:
        self._name = name
        self._action = action

    def end(self) -> None:
        with suppress(ValueError):
            sys.meta_path.remove(self)

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        self.end()
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_act(module: ModuleType) -> None:
                run(module)
                self._action()

            spec.loader.exec_module = run_and_act  # type: ignore[method-assign]
        return spec
