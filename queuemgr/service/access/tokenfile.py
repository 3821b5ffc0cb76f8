"""The file of the tokens: read when it has changed, written whole by one writer at a time. It knows no secret.

Only its owner and root may read it; a file that others may read is refused.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from queuemgr.errors import ConfigError

from .token import Token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LARGEST = 1024 * 1024
VERSION = 1


class _Kept(msgspec.Struct):
    version: int
    tokens: list[Token]


class TokenFile:
    """Everything here raises ConfigError where the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: list[Token] = []
        self._seen: tuple[int, ...] | None = None

    def read(self) -> list[Token]:
        """Empty where there is no file."""
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            self._known, self._seen = [], None
            return []
        except OSError as error:
            raise self._refusal("cannot be read", error) from error
        look = (facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size)
        if look != self._seen:
            self._known = self._load()
            self._seen = look
        return self._known

    def change(self, edit: Callable[[list[Token]], list[Token]]) -> None:
        """Replace what is there by what `edit` makes of it, while nobody else does. Raises what `edit` raises."""
        try:
            self._make_folder()
            with self._turn():
                self._seen = None
                self._write(edit(self.read()))
        except OSError as error:
            raise self._refusal("cannot be written", error) from error

    def _load(self) -> list[Token]:
        try:
            self._require_closed(self.path.resolve().parent)
            with os.fdopen(os.open(self.path, os.O_RDONLY | os.O_CLOEXEC), "rb") as file:
                self._require_private(os.fstat(file.fileno()))
                data = file.read(LARGEST + 1)
        except OSError as error:
            raise self._refusal("cannot be read", error) from error
        try:
            return _decoded(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"the token file {self.path} is damaged ({error}): remove it and make new tokens by queuemgr token add"
            ) from error

    def _require_private(self, facts: os.stat_result) -> None:
        if facts.st_uid not in (0, os.geteuid()):
            raise ConfigError(f"the token file {self.path} belongs to uid {facts.st_uid}: it must be yours or root's")
        if facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"others than its owner may use the token file {self.path}: chmod 600 {self.path}")

    def _require_closed(self, folder: Path) -> None:
        """Whoever may write into the folder could put another file there."""
        facts = folder.stat()
        if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not facts.st_mode & stat.S_ISVTX:
            raise ConfigError(f"others may put files beside the tokens of {self.path}: chmod go-w {folder}")

    def _make_folder(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        lock = os.open(self.path.with_name(f"{self.path.name}.lock"), flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, tokens: list[Token]) -> None:
        target = self.path.resolve()
        fresh = target.with_name(f"{target.name}.{os.getpid()}.new")
        fresh.unlink(missing_ok=True)
        data = msgspec.json.format(msgspec.json.encode({"version": VERSION, "tokens": tokens}))
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(data + b"\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
        _sync(target.parent)
        self._seen = None

    def _refusal(self, what: str, error: OSError) -> ConfigError:
        return ConfigError(f"the token file {self.path} {what}: {error.strerror}; name another one by --token-file")


def _decoded(data: bytes) -> list[Token]:
    if len(data) > LARGEST:
        raise msgspec.DecodeError(f"it has more than {LARGEST:,} bytes")
    kept = msgspec.json.decode(data, type=_Kept)
    if kept.version != VERSION:
        raise msgspec.DecodeError(f"it is of version {kept.version}, and {VERSION} is known here")
    return kept.tokens


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
