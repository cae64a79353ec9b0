# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of names: common name, subject alternative names, country, e-mail, phone; each refusal with its reason.

Pure text work; knows no certificate, no CA and no option beyond the word it is told to use in a sentence.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from .countries import COUNTRY_CODES
from .hosts import MAX_LABEL, MAX_NAME

MAX_COMMON_NAME = 64
MAX_EMAIL = 254

_LABEL = re.compile(r"[A-Za-z0-9_-]+")
_WRONG = re.compile(r"[^A-Za-z0-9_-]")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_PHONE = re.compile(r"\+?[0-9 ().\-/]+(?:(?:x|ext\.?) ?[0-9]{1,6})?", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")


@dataclass(frozen=True)
class NameProblem:
    """Why one name cannot be used.

    :ivar kind: what it was given as, in words for a sentence, as "common name".
    :ivar value: the name as given.
    :ivar reason: the rest of the sentence, as "has 70 characters, 64 are allowed".
    """

    kind: str
    value: str
    reason: str

    @property
    def sentence(self) -> str:
        """Say the problem in full."""
        return f"{self.kind} {self.value!r} {self.reason}"


@dataclass(frozen=True)
class Names:
    """The names of one certificate, checked: lower-case, folded, in the order given.

    :ivar dns: the common name first, each name once.
    :ivar ips: in the shortest written form.
    """

    common_name: str
    dns: tuple[str, ...]
    ips: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Count the subject alternative names."""
        return len(self.dns) + len(self.ips) + len(self.emails) + len(self.uris)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _a_label_form(name: str) -> str:
    """Give the ASCII form of an international name, or an empty text where the library's form is not the same name."""
    try:
        encoded = name.encode("idna").decode("ascii")
        same = encoded.encode("ascii").decode("idna") == name.lower()
    except UnicodeError:
        return ""
    # The standard library follows IDNA 2003, which folds letters such as sharp s away; such a form names another host.
    return encoded.lower() if same else ""


def ascii_form(name: str) -> str:
    """Give a DNS name as it is compared: lower-case, and in ASCII where it has a form there; as it is where not."""
    folded = name.lower()
    return folded if folded.isascii() else _a_label_form(folded) or folded


def _foreign_kind(name: str) -> str:
    """Tell a name that is no DNS name at all from one with a mistake in it."""
    if _is_ip(name):
        return "is an IP address, not a DNS name; give it among the IP addresses of the subject alternative names"
    if "://" in name:
        return "is a URI, not a DNS name; give the host name alone"
    if "@" in name:
        return (
            "is an e-mail address, not a DNS name; give it among the e-mail addresses of the subject alternative names"
        )
    if not name.isascii():
        form = _a_label_form(name)
        return "is not written in ASCII; write its ASCII form" + (f" {form}" if form else ", which starts with xn--")
    return ""


def _label_reason(label: str, *, is_last: bool) -> str:
    if not label:
        return "has an empty label: two dots in a row, or a dot at its beginning or end"
    if len(label) > MAX_LABEL:
        return f"has a label of {len(label)} characters ({label}), {MAX_LABEL} are allowed"
    wrong = _WRONG.search(label)
    if wrong:
        where = " ('*' may only be the whole first label, as in *.example.com)" if wrong.group() == "*" else ""
        return f"has the character {wrong.group()!r}; letters, digits, '-' and '_' are allowed{where}"
    if label[0] == "-" or label[-1] == "-":
        return f"has a label that begins or ends with '-' ({label})"
    if is_last and label.isdigit():
        return f"ends with a label of digits only ({label}), which no domain has"
    return ""


def dns_reason(name: str, *, is_qualified: bool = True, allow_wildcard: bool = True) -> str:
    """Give why a text is no DNS name for a certificate, or an empty text when it is one.

    :param name: upper and lower case are alike.
    :param is_qualified: at least two labels, and two below a wildcard, are asked for.
    :source: RFC 1034 §3.5 with the underscore of E12; RFC 6125 §6.4.3 for the wildcard.
    """
    if not name:
        return "is empty"
    foreign = _foreign_kind(name)
    if foreign:
        return foreign
    if len(name) > MAX_NAME:
        return f"has {len(name)} characters, {MAX_NAME} are allowed"
    is_wildcard = name.startswith("*.")
    if is_wildcard and not allow_wildcard:
        return "is a wildcard, which is not allowed here"
    labels = (name[2:] if is_wildcard else name).split(".")
    for number, label in enumerate(labels, 1):
        reason = _label_reason(label, is_last=number == len(labels))
        if reason:
            return reason
    if is_qualified and len(labels) < 2:
        return "needs at least two labels, as in " + ("*.example.com" if is_wildcard else "www.example.com")
    return ""


def common_name_reason(name: str, *, is_qualified: bool = True) -> str:
    """Give why a text cannot be the common name, or an empty text.

    :source: requirement E12; RFC 5280 appendix A.1, ub-common-name.
    """
    if len(name) > MAX_COMMON_NAME and not _foreign_kind(name):
        return (
            f"has {len(name)} characters, {MAX_COMMON_NAME} are allowed; "
            "take a shorter one and give this one as a subject alternative name"
        )
    return dns_reason(name, is_qualified=is_qualified)


def ip_reason(text: str) -> str:
    """Give why a text is no IP address, or an empty text; networks and zones are none."""
    if "/" in text:
        return "is a network, not one IP address"
    if "%" in text:
        return "has a zone, which a certificate cannot bear"
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return "is not an IP address, as 192.0.2.1 or 2001:db8::1"
    return ""


def email_reason(text: str) -> str:
    """Give why a text is no e-mail address, or an empty text.

    :source: RFC 5321 §4.1.2 without quoted local parts and address literals, which no CA takes: our reading.
    """
    if not text:
        return "is empty"
    if not text.isascii():
        return "is not written in ASCII"
    if len(text) > MAX_EMAIL:
        return f"has {len(text)} characters, {MAX_EMAIL} are allowed"
    local, at, domain = text.rpartition("@")
    if not at:
        return "has no '@'"
    if len(local) > 64 or not _LOCAL_PART.fullmatch(local):
        return "has no usable part before the '@'"
    reason = dns_reason(domain, allow_wildcard=False)
    return f"has no usable domain after the '@': {domain!r} {reason}" if reason else ""


def uri_reason(text: str) -> str:
    """Give why a text is no URI for a certificate, or an empty text.

    :source: RFC 5280 §4.2.1.6: absolute, with a scheme and something after it, ASCII.
    """
    if not text.isascii() or any(char.isspace() or not char.isprintable() for char in text):
        return "has a space, a control character or one outside ASCII; write it percent-encoded"
    try:
        parts = urlsplit(text)
        rest = parts.netloc or parts.path
    except ValueError as exc:
        return f"is not a URI ({exc})"
    scheme, colon, _rest = text.partition(":")
    if not colon or not _SCHEME.fullmatch(scheme) or not rest:
        return "is not an absolute URI, as https://www.example.com/ or spiffe://example.com/edge"
    if "//" in text and not parts.netloc:
        return "has no host after '//'"
    return ""


def country_reason(text: str) -> str:
    """Give why a text is no country code, or an empty text; lower case is told, not changed.

    :source: requirement E14; ISO 3166-1 alpha-2.
    """
    if text in COUNTRY_CODES:
        return ""
    if text.upper() in COUNTRY_CODES:
        return f"is to be written in capitals: {text.upper()}"
    if text.upper() == "UK":
        return "is not the code of a country; the United Kingdom's is GB"
    return "is not the two-letter code of a country (ISO 3166-1), as US, DE or IN"


def phone_reason(text: str) -> str:
    """Give why a text is no telephone number, or an empty text.

    :source: ITU-T E.164 for the 15 digits; separators and an extension are taken: our reading.
    """
    if not _PHONE.fullmatch(text):
        return "is not a telephone number: digits, an optional leading '+', spaces, '-', '.', '(' and ')' are allowed"
    main = re.split(r"x|ext", text, flags=re.IGNORECASE)[0]
    digits = sum(char.isdigit() for char in main)
    if not 5 <= digits <= 15:
        return f"has {digits} digits; a telephone number has 5 to 15"
    return ""


def _folded(
    kind: str,
    values: Iterable[str],
    reason_of: Callable[[str], str],
    canonical: Callable[[str], str],
    problems: list[NameProblem],
) -> tuple[str, ...]:
    kept: dict[str, None] = {}
    for value in values:
        reason = reason_of(value)
        if reason:
            problems.append(NameProblem(kind, value, reason))
        else:
            kept.setdefault(canonical(value))
    return tuple(kept)


def _lower_domain(email: str) -> str:
    local, _at, domain = email.rpartition("@")
    return f"{local}@{domain.lower()}"


def read_names(
    common_name: str,
    dns: Sequence[str] = (),
    ips: Sequence[str] = (),
    emails: Sequence[str] = (),
    uris: Sequence[str] = (),
    *,
    is_qualified: bool = True,
) -> tuple[Names, tuple[NameProblem, ...]]:
    """Check and fold all names of one certificate.

    A common name that is fine becomes the first DNS name, whether it was given there or not.

    :return: the usable names, and every problem; use the names only when there is no problem.
    :source: requirements E12, E13.
    """

    def common_name_rule(value: str) -> str:
        return common_name_reason(value, is_qualified=is_qualified)

    def dns_rule(value: str) -> str:
        return dns_reason(value, is_qualified=is_qualified)

    problems: list[NameProblem] = []
    first = _folded("common name", (common_name,), common_name_rule, str.lower, problems)
    # The common name among the DNS names is not refused twice.
    others = [name for name in dns if name.lower() != common_name.lower()]
    more = _folded("DNS name", others, dns_rule, str.lower, problems)
    names = Names(
        common_name="".join(first),
        dns=first + more,
        ips=_folded("IP address", ips, ip_reason, lambda text: str(ipaddress.ip_address(text)), problems),
        emails=_folded("e-mail address", emails, email_reason, _lower_domain, problems),
        uris=_folded("URI", uris, uri_reason, str, problems),
    )
    return names, tuple(problems)


def covers(pattern: str, name: str) -> bool:
    """Say whether a certificate's DNS name covers a host: equal, or a wildcard for exactly its first label.

    :param name: a host name; a wildcard is covered by the same wildcard only.
    :source: RFC 6125 §6.4.3.
    """
    pattern, name = pattern.lower(), name.lower()
    if pattern == name:
        return True
    head, dot, tail = name.partition(".")
    return bool(dot) and pattern == f"*.{tail}" and bool(_LABEL.fullmatch(head))
