# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets at rest: a data key seals values, the store key wraps the data key.

Everything happens at the first need, so that a call without secrets imports no cryptography.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from typing import Any

from .._core.deps import needed
from .._core.errors import InputError, StoreError
from .._core.redact import Secret
from .sql import Database

_FORMAT = b"\x01"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_WRAP_PLACE = b"edgecert.clm data key"
# Memory 32 MiB and some 0.1 s: paid once a call, and only for keys that are no full-strength random bytes.
_SCRYPT_COST = 2**15
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{43}=?")


@dataclass(frozen=True)
class StoreKey:
    """Where the store key comes from; all empty means the file that SQLite makes beside itself.

    :ivar text: the key itself: 32 bytes as hex or base64 are used as they are, any other text is stretched.
    :ivar path: a file that holds such a text.
    """

    text: Secret | None = None
    path: str = ""

    def __bool__(self) -> bool:
        return bool(self.text) or bool(self.path)


def key_text(key: StoreKey, own_file: str, *, make: bool) -> str:
    """Find the store key's text.

    :param own_file: the file to look into when the user named no key; empty where there is none.
    :param make: make the own file when it is missing.
    :raises StoreError: there is no key, or its file cannot be used.
    """
    if key.text and key.path:
        raise InputError("The store key is given twice, as text and as a file; give one of them")
    if key.text:
        return _stripped(key.text.reveal(), "the given key")
    path = os.path.expanduser(key.path) or own_file
    if not path:
        raise missing_key("no key is given")
    if not os.path.exists(path):
        if not make or key.path:
            raise missing_key(f"the key file {path} does not exist")
        _make_key_file(path)
    return _read_key_file(path)


def missing_key(why: str) -> StoreError:
    """Give the error for a key that is not there."""
    return StoreError(
        f"The secrets of the store cannot be sealed or opened: {why}; give store_key or store_key_file (or set "
        "EDGECERT_STORE_KEY or EDGECERT_STORE_KEY_FILE), and keep the key apart from the database",
        code="store_key_missing",
    )


def _stripped(text: str, what: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise missing_key(f"{what} is empty")
    return stripped


def _read_key_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise StoreError(
                    f"The key file {path} can be read or written by others (mode {mode:04o}); run: chmod 600 {path}",
                    code="store_key_exposed",
                )
            return _stripped(file.read(), f"the key file {path}")
    except OSError as exc:
        raise missing_key(f"the key file {path} cannot be read ({exc.strerror})") from exc
    except UnicodeDecodeError as exc:
        raise StoreError(
            f"The key file {path} holds no text; write the key into it as hex or base64", code="store_key_wrong"
        ) from exc


def _make_key_file(path: str) -> None:
    text = base64.b64encode(os.urandom(_KEY_BYTES)).decode() + "\n"
    try:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            # The data key it is going to wrap is committed to the disk; so must this be, before.
            os.fsync(file.fileno())
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as exc:
        raise StoreError(f"Cannot make the key file {path}: {exc.strerror}; make the folder writable") from exc


def wrapping_key(text: str, salt: bytes) -> bytes:
    """Give the 32 bytes that wrap the data key."""
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if _BASE64.fullmatch(text):
        try:
            raw = base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_").rstrip("=") + "=")
        except binascii.Error:
            raw = b""
        if len(raw) == _KEY_BYTES:
            return raw
    return hashlib.scrypt(
        text.encode("utf-8"), salt=salt, n=_SCRYPT_COST, r=8, p=1, maxmem=2 * 128 * 8 * _SCRYPT_COST, dklen=_KEY_BYTES
    )


def _cipher(key: bytes) -> Any:
    with needed("cryptography", "secrets in the store"):
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    return AESGCM(key)


def _encrypt(cipher: Any, data: bytes, place: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    sealed: bytes = cipher.encrypt(nonce, data, place)
    return _FORMAT + nonce + sealed


def _decrypt(cipher: Any, sealed: bytes, place: bytes) -> bytes | None:
    """Give the clear bytes; None when key, place or bytes are not those it was sealed with."""
    with needed("cryptography", "secrets in the store"):
        from cryptography.exceptions import InvalidTag

    if not sealed.startswith(_FORMAT) or len(sealed) < len(_FORMAT) + _NONCE_BYTES:
        return None
    body = sealed.removeprefix(_FORMAT)
    try:
        opened: bytes = cipher.decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], place)
    except InvalidTag:
        return None
    return opened


class Seal:
    """Seals and opens the values of one store; call it inside a unit.

    :param own_file: key file to use, and to make, when the user named no key; empty where that is not allowed.
    """

    def __init__(self, database: Database, key: StoreKey, own_file: str) -> None:
        self._database = database
        self._key = key
        self._own_file = own_file
        self._data_cipher: Any = None

    def forget(self) -> None:
        """Drop the data key: the unit that may have made it was rolled back."""
        self._data_cipher = None

    def seal(self, place: str, text: str) -> bytes:
        """Seal a text; the store's first one makes the data key."""
        if self._data_cipher is None:
            self._data_cipher = _cipher(self._data_key() or self._new_data_key())
        return _encrypt(self._data_cipher, text.encode("utf-8", "surrogatepass"), place.encode())

    def open(self, place: str, sealed: bytes) -> str:
        """Open a sealed text.

        :raises StoreError: it was sealed for another place, or altered.
        """
        if self._data_cipher is None:
            data_key = self._data_key()
            if data_key is None:
                raise StoreError(
                    f"The store {self._database.url} holds sealed values and no data key; restore a backup",
                    code="store_damaged",
                )
            self._data_cipher = _cipher(data_key)
        opened = _decrypt(self._data_cipher, sealed, place.encode())
        if opened is None:
            raise StoreError(
                f"A sealed value of {' / '.join(place.split(chr(0)))} in the store {self._database.url} does not open: "
                "it was altered or moved there from another row; restore a backup or enter the secret again",
                code="store_damaged",
            )
        return opened.decode("utf-8", "surrogatepass")

    def rekey(self, new: StoreKey) -> None:
        """Wrap the data key with another store key, in the running writing unit; no sealed value changes.

        :raises StoreError: the present key is wrong, or the new one cannot be used.
        """
        text = key_text(new, "", make=False)
        data_key = self._data_key()
        if data_key is None:
            data_key = os.urandom(_KEY_BYTES)
        self._store(data_key, text)

    def adopt(self, new: StoreKey) -> None:
        """Use that key from now on: the rekeying was committed."""
        self._key = new
        self.forget()

    def _data_key(self) -> bytes | None:
        """Unwrap the stored data key; None when the store has none yet."""
        found = self._database.rows("SELECT method, salt, wrapped FROM seal WHERE id = 1")
        if not found:
            return None
        _method, salt, wrapped = found[0]
        key = wrapping_key(key_text(self._key, self._own_file, make=False), bytes(salt))
        data_key = _decrypt(_cipher(key), bytes(wrapped), _WRAP_PLACE)
        if data_key is None:
            raise StoreError(
                f"The store key does not fit the store {self._database.url}; give the key (store_key or "
                "store_key_file) that its secrets were sealed with",
                code="store_key_wrong",
            )
        return data_key

    def _new_data_key(self) -> bytes:
        data_key = os.urandom(_KEY_BYTES)
        self._store(data_key, key_text(self._key, self._own_file, make=True))
        return data_key

    def _store(self, data_key: bytes, text: str) -> None:
        salt = os.urandom(16)
        wrapped = _encrypt(_cipher(wrapping_key(text, salt)), data_key, _WRAP_PLACE)
        self._database.run(
            "INSERT INTO seal (id, method, salt, wrapped) VALUES (1, 'aes256gcm', ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET salt = excluded.salt, wrapped = excluded.wrapped",
            (salt, wrapped),
        )
