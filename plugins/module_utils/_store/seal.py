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
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .._core.deps import needed
from .._core.errors import InputError, StoreError
from .._core.files import replacing, sync
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


def new_key_text() -> str:
    """Make the text of a new, random store key."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def _make_key_file(path: str) -> None:
    try:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(f"{new_key_text()}\n")
            file.flush()
            # The data key it is going to wrap is committed to the disk; so must this be, before.
            os.fsync(file.fileno())
        sync(os.path.dirname(path))
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


def _unwrapped(found: tuple[bytes, bytes], text: str) -> bytes | None:
    """Unwrap a data key; None when it was wrapped with another store key."""
    salt, wrapped = found
    return _decrypt(_cipher(wrapping_key(text, salt)), wrapped, _WRAP_PLACE)


def _write_key_file(path: str, text: str) -> None:
    with replacing(path, "the key file") as part, open(part, "w", encoding="utf-8") as file:
        file.write(f"{text}\n")


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

    @property
    def is_own_file_used(self) -> bool:
        """Say whether the store keeps its key by itself."""
        return not self._key and bool(self._own_file)

    def prepare(self) -> None:
        """Make the data key, in the running writing unit, where there is none yet."""
        if self._data_key() is None:
            self._new_data_key()

    def check(self) -> None:
        """Refuse a store key that does not fit; where nothing was sealed yet, any does.

        :raises StoreError: codes ``store_key_wrong``, ``store_key_missing``.
        """
        self._data_key()

    def check_new(self, new: StoreKey) -> str:
        """Give the text of a store key that is to follow the present one.

        :raises StoreError: the present key is wrong, or the new one is missing or cannot be used.
        :raises InputError: it is the present one.
        """
        text = key_text(new, "", make=False)
        self._data_key()
        found = self._wrapped()
        if found and _unwrapped(found, text) is not None:
            raise InputError(f"Cannot rekey the store {self._database.url}: the new key is the present one")
        return text

    def rekey(self, new: StoreKey) -> None:
        """Wrap the data key with another store key, in the running writing unit; no sealed value changes.

        The store's own key file gets its new text in three steps, and each of the three files is tried when the store
        is opened, so that no moment to stop at locks the store: the new key stands beside as ``.new`` before the unit
        is committed, and ``settle`` moves it to its place, and the key before to ``.old``, after.

        :raises StoreError, InputError: as ``check_new``.
        """
        text = self.check_new(new)
        # A rekeying that was stopped may have left the present key as ``.new``, which is written over below.
        self.settle()
        if self.is_own_file_used:
            _write_key_file(f"{self._own_file}.new", text)
        self._store(self._data_key() or os.urandom(_KEY_BYTES), text)

    def adopt(self, new: StoreKey) -> None:
        """Use that key from now on: the rekeying was committed."""
        if not self.is_own_file_used:
            self._key = new
        self.forget()

    def settle(self) -> None:
        """Put the key file that fits in its place, in a running writing unit."""
        found, new = self._wrapped(), f"{self._own_file}.new"
        if not found or not self.is_own_file_used or not os.path.exists(new):
            return
        if _unwrapped(found, _read_key_file(new)) is None:
            return
        if os.path.exists(self._own_file):
            # Backups taken before need it.
            _write_key_file(f"{self._own_file}.old", _read_key_file(self._own_file))
        os.replace(new, self._own_file)
        sync(os.path.dirname(self._own_file))

    def _wrapped(self) -> tuple[bytes, bytes] | None:
        """Give salt and wrapped data key; None when the store has none yet."""
        found = self._database.rows("SELECT salt, wrapped FROM seal WHERE id = 1")
        return (bytes(found[0][0]), bytes(found[0][1])) if found else None

    def _key_texts(self) -> Iterator[str]:
        """Give the texts that may be the store key: the one given, or those of the store's own key files."""
        if not self.is_own_file_used:
            yield key_text(self._key, "", make=False)
            return
        files = [f"{self._own_file}{suffix}" for suffix in ("", ".new", ".old")]
        for path in [file for file in files if os.path.exists(file)] or files[:1]:
            yield key_text(self._key, path, make=False)

    def _data_key(self) -> bytes | None:
        """Unwrap the stored data key; None when the store has none yet."""
        found = self._wrapped()
        if found is None:
            return None
        for text in self._key_texts():
            data_key = _unwrapped(found, text)
            if data_key is not None:
                return data_key
        raise StoreError(
            f"The store key does not fit the store {self._database.url}; give the key (store_key or store_key_file) "
            "that its secrets were sealed with",
            code="store_key_wrong",
        )

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
