"""Large results on the Redis or Valkey server of the store: chunks of bounded size, and who needs them.

Chunks belong to a random number; three hashes say what the numbers are: drafts by their run, kept bytes by their
digest, and those whose chunks are to go. It decides on no lifetime.
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from queuemgr.errors import StoreError, StoreUnavailable
from queuemgr.result import Holding, Owner

from .address import read_address, shown
from .given_up import GivenUp
from .scripts import KEEP_GIVEN_UP, part
from .tries import Tries
from .wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CHUNK = 1 << 20
FEW = 100
"""Chunks that are removed at once."""

# Before each script: what it is told of connections that were given up, and its own keys and words.
_HEAD = f"""
local base, call = table.remove(KEYS, 1), redis.call
local connection, given_up = table.remove(ARGV, 1), table.remove(ARGV, 1)
local KEEP_GIVEN_UP = {KEEP_GIVEN_UP}
"""
# KEYS: any. ARGV: a command.
_DO = "return call(unpack(ARGV))"
# KEYS: drafts, doomed. ARGV: owner, number, or nothing where there is to be no draft any more.
_DRAFT = """
local old = call('HGET', KEYS[1], ARGV[1])
if old then call('HSET', KEYS[2], old, '') end
call('HDEL', KEYS[1], ARGV[1])
if ARGV[2] then call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' 0') end
"""
# KEYS: drafts, doomed, kept, holders. ARGV: owner, digest, number and size.
_KEEP = """
call('SADD', KEYS[4], ARGV[1])
call('HDEL', KEYS[1], ARGV[1])
local known = call('HGET', KEYS[3], ARGV[2])
if not known then call('HSET', KEYS[3], ARGV[2], ARGV[3])
elseif known ~= ARGV[3] then call('HSET', KEYS[2], ARGV[3], '') end
"""
# KEYS: kept, doomed, holders. ARGV: digest, owner or nothing. Answers the number and size of what goes.
_RELEASE = """
if ARGV[2] then call('SREM', KEYS[3], ARGV[2]) end
if call('SCARD', KEYS[3]) > 0 then return false end
local known = call('HGET', KEYS[1], ARGV[1])
if known then
    call('HDEL', KEYS[1], ARGV[1])
    call('HSET', KEYS[2], known, '')
end
return known
"""


class RedisPlace:
    """`url` is the store's. Nothing is written before the first large result."""

    def __init__(self, url: str) -> None:
        self.name = shown(url)
        self._address = read_address(url)
        self._base = f"{self._address.base}large".encode()
        self._lock = Lock()
        self._free: list[Wire] = []
        self._pid = os.getpid()
        self._given_up = GivenUp()
        self.drafts, self.kept, self.doomed = (self.key(name) for name in ("drafts", "kept", "doomed"))

    def draft(self, owner: Owner) -> RedisDraft:
        """Raises StoreError."""
        number = secrets.token_hex(8)
        self.run(_DRAFT, [self.drafts, self.doomed], owner.name, number)
        return RedisDraft(self, owner, number)

    def open(self, digest: str) -> RedisSource:
        """Raises KeyError, StoreError."""
        known = self.call(b"HGET", self.kept, digest.encode())
        if known is None:
            raise KeyError(digest)
        return RedisSource(self, known)

    def growing(self, owner: Owner) -> RedisSource | None:
        known = self.call(b"HGET", self.drafts, owner.name.encode())
        return None if known is None else RedisSource(self, known, growing=owner.name)

    def holdings(self) -> Iterator[Holding]:
        """Everything that is here."""
        for name, known in self._entries(self.drafts):
            yield Holding(Owner.named(name.decode()), None, _size(known))
        for digest, known in self._entries(self.kept):
            names = self.call(b"SMEMBERS", self.holders(digest.decode()))
            for name in names:
                yield Holding(Owner.named(name.decode()), digest.decode(), _size(known))
            if not names:
                yield Holding(None, digest.decode(), _size(known))
        self._remove_doomed()

    def release(self, holdings: Sequence[Holding]) -> int:
        """Forget these; bytes that nobody holds any more go. How many bytes went."""
        freed = 0
        for holding in holdings:
            owner = () if holding.owner is None else (holding.owner.name,)
            if holding.digest is None:
                self.run(_DRAFT, [self.drafts, self.doomed], *owner)
                freed += holding.stored
                continue
            keys = [self.kept, self.doomed, self.holders(holding.digest)]
            known = self.run(_RELEASE, keys, holding.digest, *owner)
            freed += _size(known) if known else 0
        self._remove_doomed()
        return freed

    def belongs_to(self, store_id: str) -> bool:
        """It is a part of its store."""
        return bool(store_id)

    def close(self) -> None:
        """Hang up; the next question connects anew."""
        with self._lock:
            free, self._free = self._free, []
        for wire in free:
            wire.close()

    def key(self, *parts: str) -> bytes:
        return b":".join((self._base, *(part.encode() for part in parts)))

    def holders(self, digest: str) -> bytes:
        return self.key("holders", digest)

    def run(self, script: str, keys: list[bytes], *arguments: str) -> Any:
        """What the script answers. It may be carried out twice, which changes nothing. Raises StoreError."""
        return self._run(script, keys, [argument.encode() for argument in arguments])

    def change(self, *words: bytes) -> Any:
        """The answer to a command that writes to a key and may be given twice. Raises StoreError."""
        return self._run(_DO, [words[1]], words)

    def call(self, *words: bytes) -> Any:
        """The answer to a command that only reads. Raises StoreError."""
        return self._try(lambda wire: wire.call(*words))

    def _run(self, script: str, keys: list[bytes], arguments: Sequence[bytes]) -> Any:
        text = f"{_HEAD}{part('fence')}{script}".encode()
        first = self._address.base.encode()

        def ask(wire: Wire) -> Any:
            lost = self._given_up.to_tell()
            named = (wire.name, b" ".join(lost))
            answer = wire.call(b"EVAL", text, b"%d" % (len(keys) + 1), first, *keys, *named, *arguments)
            self._given_up.told(lost)
            return answer

        return self._try(ask)

    def _try(self, ask: Callable[[Wire], Any]) -> Any:
        tries = Tries(self.name, self._address.patience)
        while True:
            wire = None
            try:
                wire = self._take()
                answer = ask(wire)
            except (RedisError, OSError, StoreUnavailable) as error:
                if wire is not None:
                    self._give_up(wire)
                time.sleep(tries.failed(error))
            except BaseException:
                if wire is not None:
                    self._give_up(wire)  # its answer may still come, and nobody waits for that
                raise
            else:
                with self._lock:
                    self._free.append(wire)
                return answer

    def _give_up(self, wire: Wire) -> None:
        wire.close()
        self._given_up.add(wire.name)

    def _take(self) -> Wire:
        if self._pid != os.getpid():
            # Left to the parent, whose connections they are.
            _inherited.append(self._free)
            self._pid, self._free, self._lock = os.getpid(), [], Lock()
        with self._lock:
            if self._free:
                return self._free.pop()
        return Wire(self._address)

    def _entries(self, key: bytes) -> Iterator[tuple[bytes, bytes]]:
        cursor = b"0"
        while True:
            cursor, found = self.call(b"HSCAN", key, cursor, b"COUNT", b"500")
            yield from zip(found[::2], found[1::2], strict=True)
            if cursor == b"0":
                return

    def _remove_doomed(self) -> None:
        for known, _ in list(self._entries(self.doomed)):
            number = known.decode().partition(" ")[0]
            start = 0
            while self.change(b"UNLINK", *(self.key(number, str(start + nth)) for nth in range(FEW))):
                start += FEW
            self.change(b"HDEL", self.doomed, known)


class RedisDraft:
    """Chunks that grow. Once something went wrong they are gone."""

    def __init__(self, place: RedisPlace, owner: Owner, number: str) -> None:
        self._place = place
        self._name = owner.name
        self._number = number
        self._size = 0
        self._open = True

    def write(self, data: bytes) -> None:
        """Raises StoreError; then the draft is no more."""
        try:
            view = memoryview(data)
            while view:
                nth, start = divmod(self._size, CHUNK)
                part = bytes(view[: CHUNK - start])
                chunk = self._place.key(self._number, str(nth))
                # At its place, not at the end: it may have to be sent again.
                self._place.change(b"SETRANGE", chunk, b"%d" % start, part)
                self._size += len(part)
                view = view[len(part) :]
            self._place.change(b"HSET", self._place.drafts, self._name.encode(), self._known)
        except BaseException:
            with suppress(StoreError):
                self.discard()
            raise

    def keep(self, digest: str) -> None:
        """Raises StoreError."""
        place = self._place
        keys = [place.drafts, place.doomed, place.kept, place.holders(digest)]
        place.run(_KEEP, keys, self._name, digest, self._known.decode())
        self._open = False

    def discard(self) -> None:
        if self._open:
            self._open = False
            self._place.run(_DRAFT, [self._place.drafts, self._place.doomed], self._name)

    @property
    def _known(self) -> bytes:
        return f"{self._number} {self._size}".encode()


class RedisSource:
    """`known` is the number of its chunks, and its size where it does not grow."""

    def __init__(self, place: RedisPlace, known: bytes, *, growing: str | None = None) -> None:
        self.name = place.name
        self._place = place
        self._number = known.decode().partition(" ")[0]
        self._size = _size(known)
        self._growing = growing

    def size(self) -> int:
        if self._growing is not None:
            known = self._place.call(b"HGET", self._place.drafts, self._growing.encode())
            if known is None or not known.startswith(self._number.encode()):
                self._growing = None  # it is complete, or was given up
                self._size = self._end()
            else:
                self._size = _size(known)
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """Fewer than `length` only at the end."""
        parts = []
        while length > 0:
            nth, start = divmod(offset, CHUNK)
            end = min(start + length, CHUNK)
            key = self._place.key(self._number, str(nth))
            part = self._place.call(b"GETRANGE", key, b"%d" % start, b"%d" % (end - 1))
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
            if len(part) < end - start:
                break
        return b"".join(parts)

    def close(self) -> None:
        """Nothing is open."""

    def _end(self) -> int:
        nth = self._size // CHUNK
        while (length := self._place.call(b"STRLEN", self._place.key(self._number, str(nth)))) == CHUNK:
            nth += 1
        return nth * CHUNK + int(length)


_inherited: list[object] = []


def _size(known: bytes) -> int:
    return int(known.rpartition(b" ")[2])
