"""Laravel's encrypter: AES-256-CBC (or 128) with an HMAC, or AES-GCM, under the application's APP_KEY.

Needs the package `cryptography`, which is asked for when something is first encrypted. It keeps no keys of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import msgspec

from queuemgr.errors import ConfigError, UndecodableError

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCK = 16
SIZES = (16, 32)


class Sealed(msgspec.Struct):
    iv: str
    value: str
    mac: str = ""
    tag: str = ""


class Encrypter:
    """Encrypts with the first key, decrypts with any: the others are keys that the application used before.

    A key is text as in APP_KEY: `base64:...`, or 16 or 32 plain characters. Raises ConfigError.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [_key(text) for text in keys]
        if not self._keys:
            raise ConfigError("an encrypter needs a key: give it the application's APP_KEY")

    def encrypt(self, data: bytes) -> str:
        """Laravel's text for these bytes, as `Crypt::encryptString` makes it."""
        key, iv = self._keys[0], os.urandom(BLOCK)
        worker = _cipher(key, iv).encryptor()
        padding = BLOCK - len(data) % BLOCK
        value = worker.update(data + bytes([padding]) * padding) + worker.finalize()
        sealed = Sealed(b64encode(iv).decode(), b64encode(value).decode())
        sealed.mac = _mac(key, sealed)
        return b64encode(msgspec.json.encode(sealed)).decode()

    def decrypt(self, text: str) -> bytes:
        """Raises UndecodableError where none of the keys fits or the text was changed."""
        try:
            sealed = msgspec.json.decode(b64decode(text, validate=True), type=Sealed)
            iv, value, tag = (b64decode(part, validate=True) for part in (sealed.iv, sealed.value, sealed.tag))
        except (ValueError, msgspec.MsgspecError) as error:
            raise UndecodableError(f"this is not what Laravel's encrypter writes: {error}") from error
        for key in self._keys:
            opened = _open_gcm(key, iv, value, tag) if tag else _open_cbc(key, iv, value, sealed)
            if opened is not None:
                return opened
        raise UndecodableError("it was encrypted with another key: give this worker the application's APP_KEY")


def _open_cbc(key: bytes, iv: bytes, value: bytes, sealed: Sealed) -> bytes | None:
    if not hmac.compare_digest(_mac(key, sealed), sealed.mac) or len(iv) != BLOCK or len(value) % BLOCK or not value:
        return None
    worker = _cipher(key, iv).decryptor()
    data: bytes = worker.update(value) + worker.finalize()
    padding = data[-1]
    if not 1 <= padding <= BLOCK or data[-padding:] != bytes([padding]) * padding:
        return None
    return data[:-padding]


def _open_gcm(key: bytes, iv: bytes, value: bytes, tag: bytes) -> bytes | None:
    library = _library()
    if len(tag) != BLOCK or not 8 <= len(iv) <= 128:
        return None
    worker = library.Cipher(library.algorithms.AES(key), library.modes.GCM(iv, tag)).decryptor()
    try:
        data: bytes = worker.update(value) + worker.finalize()
    except _invalid_tag():
        return None
    return data


def _mac(key: bytes, sealed: Sealed) -> str:
    return hmac.new(key, (sealed.iv + sealed.value).encode(), hashlib.sha256).hexdigest()


def _cipher(key: bytes, iv: bytes) -> Any:
    library = _library()
    return library.Cipher(library.algorithms.AES(key), library.modes.CBC(iv))


def _library() -> Any:
    try:
        from cryptography.hazmat.primitives import ciphers
    except ImportError as error:
        raise ConfigError("encrypted jobs need the package cryptography: pip install 'queuemgr[laravel]'") from error
    return ciphers


def _invalid_tag() -> type[Exception]:
    from cryptography.exceptions import InvalidTag

    return InvalidTag


def _key(text: str) -> bytes:
    try:
        key = b64decode(text.removeprefix("base64:"), validate=True) if text.startswith("base64:") else text.encode()
    except ValueError as error:
        raise ConfigError("the application key is no base64; copy the whole line of APP_KEY") from error
    if len(key) not in SIZES:
        raise ConfigError(f"the application key has {len(key)} bytes and needs 16 or 32; copy the whole APP_KEY")
    return key
