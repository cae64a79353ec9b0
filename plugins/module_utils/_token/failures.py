# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a token's failures mean: PKCS#11's own error, a stable code, and what to do. Knows no key and no library.

The return values stand in PKCS#11 2.40, section 11.1; what they come from in practice differs between vendors, so the
table says only what holds for all, and the value itself is in the details.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from .._core.errors import AuthError, ClmError, RemoteError, TransportError

PIN_INCORRECT = "pin_incorrect"
READ_ONLY = "token_read_only"
NOT_SET = "pin_not_set"
LOCKED = "pin_locked"


@dataclass(frozen=True)
class Meaning:
    """What one return value means to a user.

    :ivar passes: the same call may go through later, and what it was about may have been done.
    """

    code: str
    sentence: str
    is_login: bool = False
    passes: bool = False


_WRONG_PIN = Meaning(
    PIN_INCORRECT,
    "the token refuses the user PIN; it is not tried again, for tokens lock after a few wrong ones: set the right one "
    "with edgecert.clm.key_device",
    is_login=True,
)
PIN_IS_LOCKED = Meaning(
    LOCKED, "the user PIN is locked; the token's security officer has to set a new one", is_login=True
)
PIN_IS_NOT_SET = Meaning(
    NOT_SET, "the token has no user PIN yet; its security officer has to set one first", is_login=True
)
TOKEN_IS_READ_ONLY = Meaning(
    READ_ONLY, "the token takes no new keys: it, or the session the vendor's module gives, is read-only"
)
GONE = Meaning(
    "token_gone",
    "the token went away, or the connection to it was lost; see that it is there again, then run again",
    passes=True,
)
_SESSIONS = Meaning(
    "session_limit",
    "the token opens no more sessions, others hold them all; close some, or raise the limit, then run again",
    passes=True,
)
_NO_MECHANISM = Meaning(
    "mechanism_missing",
    "the token has no mechanism for it; choose another key type or hash, or allow it in the token's policy",
)
_NO_SUCH_KEY = Meaning("key_not_taken", "the token makes no keys of that size or curve; choose another one")
_TEMPLATE = Meaning(
    "template_refused",
    "the token refuses what the key is to be (sensitive, not extractable, for signing alone); its policy has to allow "
    "that",
)
_FULL = Meaning("token_full", "the token has no room for it; remove keys that are not needed any more")
_OTHER = Meaning("token_error", "the token, or the vendor's module, failed; its own log says why", passes=True)

MEANINGS: Mapping[str, Meaning] = {
    "PinIncorrect": _WRONG_PIN,
    "PinInvalid": _WRONG_PIN,
    "PinLenRange": _WRONG_PIN,
    "PinLocked": PIN_IS_LOCKED,
    "PinExpired": Meaning("pin_expired", "the user PIN has expired; change it with the vendor's tool", is_login=True),
    "UserPinNotInitialized": PIN_IS_NOT_SET,
    "TokenWriteProtected": TOKEN_IS_READ_ONLY,
    "SessionReadOnly": TOKEN_IS_READ_ONLY,
    "DeviceRemoved": GONE,
    "TokenNotPresent": GONE,
    "SlotIDInvalid": GONE,
    "SessionClosed": GONE,
    "SessionHandleInvalid": GONE,
    "DeviceError": GONE,
    "SessionCount": _SESSIONS,
    "SessionExists": _SESSIONS,
    "UserTooManyTypes": _SESSIONS,
    "AnotherUserAlreadyLoggedIn": _SESSIONS,
    "MechanismInvalid": _NO_MECHANISM,
    "MechanismParamInvalid": _NO_MECHANISM,
    "FunctionNotSupported": _NO_MECHANISM,
    "KeySizeRange": _NO_SUCH_KEY,
    "DomainParamsInvalid": _NO_SUCH_KEY,
    "AttributeValueInvalid": _NO_SUCH_KEY,
    "AttributeTypeInvalid": _TEMPLATE,
    "AttributeReadOnly": _TEMPLATE,
    "TemplateIncomplete": _TEMPLATE,
    "TemplateInconsistent": _TEMPLATE,
    "DeviceMemory": _FULL,
}
# Values that the library gives no class of their own; its text ends with the number.
_BY_NUMBER: Mapping[str, Meaning] = {"0x140": _NO_SUCH_KEY}


def meaning_of(error: Exception) -> Meaning:
    """Say what a PKCS#11 error means; one that is not in the table passes, for nobody knows."""
    name = error.__class__.__name__
    return MEANINGS.get(name) or _BY_NUMBER.get(str(error).rpartition(" ")[2]) or _OTHER


def failure(what: str, meaning: Meaning, returned: str = "") -> ClmError:
    """Make the error of a meaning.

    :param what: what was tried, on what, as "Cannot sign with key www in token clm".
    :param returned: what PKCS#11 returned, for the details.
    """
    details = {"pkcs11": returned} if returned else {}
    message = f"{what}: {meaning.sentence}" + (f" (PKCS#11: {returned})" if returned else "")
    if meaning.is_login:
        return AuthError(message, code=meaning.code, details=details)
    if meaning.passes:
        return TransportError(message, kind="reset", sent=True, code=meaning.code, details=details)
    return RemoteError(message, code=meaning.code, details=details)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn a PKCS#11 error inside the block into one that says what it means.

    :raises ClmError: with the code of the table.
    """
    from pkcs11.exceptions import PKCS11Error

    try:
        yield
    except PKCS11Error as exc:
        name = exc.__class__.__name__
        returned = name if name != "PKCS11Error" else str(exc)
        raise failure(what, meaning_of(exc), returned) from exc
