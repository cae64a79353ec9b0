# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of the manual's table 8: what the CSR and its key are to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import challenge_rules, limits, names, other_names, validity, vocabulary
from . import field_rules as rules
from .field_records import (
    CHOICE,
    CSR,
    FLAG,
    GROUP,
    MADE_HERE,
    MAP,
    NO_CSR,
    NOT_BY_CPS,
    NUMBER,
    ORDER,
    RECORD,
    SECRET,
    SETTINGS,
    TEXTS,
    WITH_CSR,
    Field,
    Offer,
    san,
)
from .vocabulary import ADC, CA_MADE, ENDPOINT, HSM, UPLOAD

MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
# What names a CA takes it says itself.
_NAMES_OF = (*NOT_BY_CPS, CA_MADE)
_BY_CA = {CA_MADE: "the CA writes the subject itself"}
_DNS_ONLY = {ENDPOINT: "CPS takes DNS names only, no"}
# Upper bounds of RFC 5280, appendix A.1.
_SUBJECT = (
    ("organization", "Organization", "Organization in the subject", 64),
    ("organizational_unit", "Organization Unit", "Organizational unit in the subject", 64),
    ("locality", "Locality", "City in the subject", 128),
    ("state_or_province", "State", "State or province in the subject", 128),
)
_FROM_SETTINGS = ("organization", "locality", "state_or_province")


def _is_renewed(given: Mapping[str, Any], source: str) -> bool:
    automatic = given.get("auto_renew")
    is_automatic = isinstance(automatic, Mapping) and bool(automatic.get("enabled"))
    # An uploaded CSR says what it says, and cannot be given a country here; without a CSR the CA writes the subject.
    return source not in (UPLOAD, CA_MADE) and (given.get("action") == "renew" or is_automatic)


def _curve_reason(value: Any) -> str:
    text = str(value).lower()
    if text in vocabulary.CURVES or text in vocabulary.CURVE_ALIASES:
        return ""
    return f"{value!r} is none of {', '.join(vocabulary.CURVES)}"


def _listed(sizes: tuple[int, ...]) -> str:
    return f"{', '.join(map(str, sizes[:-1]))} and {sizes[-1]}"


def _bits_reason(value: Any) -> str:
    is_one = isinstance(value, int) and MIN_RSA_BITS <= value <= MAX_RSA_BITS and value % 8 == 0
    return "" if is_one else f"{value}: RSA keys made here have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, in steps of 8"


NAMES = (
    Field(
        *("common_name", "Common Name", "8", "E12", "Name that the certificate is for"),
        noun="common name",
        limit=names.MAX_COMMON_NAME,
        rule=rules.common_name,
        says="a DNS name: labels of letters, digits, ``-`` and ``_``, divided by dots; a leading ``*.`` is a wildcard",
        checked_by="form_csr.names_of",
        mandatory="unless the certificate's id is given, which then is the name",
        goes_to=(CSR, ORDER, RECORD),
        changes="never; another name is another certificate",
        variable="common_name",
    ),
    *(
        Field(
            *(
                f"subject_alternative_names.{kind}",
                f"Subject Alternative Name, {kind}",
                "8",
                "E13",
                f"{words}, each once",
            ),
            kind=TEXTS,
            noun=noun,
            limit=limit,
            rule=rule,
            says=says,
            checked_by="form_csr.names_of",
            sources=sources,
            whys=dict.fromkeys((ENDPOINT,), f"{_DNS_ONLY[ENDPOINT]} {words}"),
            offer=san(kind, f"takes no {kind} names"),
            goes_to=(CSR, ORDER, RECORD),
            variable=variable,
        )
        for kind, words, noun, limit, rule, says, sources, variable in (
            (
                *("dns", "DNS names", "DNS name", 253, rules.dns_name),
                "as the common name; that one is always among them",
                *((*WITH_CSR, CA_MADE), "names"),
            ),
            *(
                (
                    "ip",
                    "IP addresses",
                    "IP address",
                    None,
                    rules.ip_address,
                    "IPv4 or IPv6, no network",
                    _NAMES_OF,
                    "ips",
                ),
            ),
            (
                *("email", "e-mail addresses", "e-mail address", names.MAX_EMAIL, rules.email_address),
                *("RFC 5321 without quoted parts, ASCII", _NAMES_OF, "emails"),
            ),
            *(("uri", "URIs", "URI", None, rules.uri, "absolute, ASCII, RFC 3986", _NAMES_OF, "uris"),),
            (
                "other",
                "other names",
                "other name",
                other_names.MAX_VALUE,
                rules.other_name,
                "``user@example.com``, ``upn:user@example.com`` or ``1.3.6.1.4.1.99:value``",
                _NAMES_OF,
                "other_names",
            ),
            (
                "directory",
                "directory names",
                "directory name",
                None,
                None,
                "RFC 4514, as ``CN=edge,O=Example``",
                _NAMES_OF,
                "directory_names",
            ),
        )
    ),
)

SUBJECT = (
    *(
        Field(
            *(option, label, "8", "E14", meaning),
            limit=limit,
            says="one line",
            mandatory="given or filled, but for a CSR that is uploaded" if option == "organization" else "",
            sources=WITH_CSR,
            whys=_BY_CA,
            default_from=SETTINGS if option in _FROM_SETTINGS else GROUP,
            goes_to=(CSR, ORDER, RECORD),
            variable=f"subject_{option}",
        )
        for option, label, meaning, limit in _SUBJECT
    ),
    Field(
        *("country", "Country", "8", "E14", "Country in the subject"),
        rule=rules.country,
        says="two letters of ISO 3166-1, in capitals",
        mandatory="for a renewal, and where it is to be renewed automatically, but for a CSR that is uploaded",
        needed=_is_renewed,
        sources=WITH_CSR,
        whys=_BY_CA,
        default_from=SETTINGS,
        goes_to=(CSR, ORDER, RECORD),
        variable="subject_country",
    ),
    Field(
        *("email", "Email Address", "8", "E14", "E-mail address in the subject"),
        limit=names.MAX_EMAIL,
        rule=rules.email_address,
        says="RFC 5321 without quoted parts, ASCII",
        sources=NOT_BY_CPS,
        whys={ENDPOINT: "the CSR that CPS makes bears no e-mail address; leave email out", **_BY_CA},
        default_from=GROUP,
        goes_to=(CSR, ORDER, RECORD),
        variable="subject_email",
    ),
)

LIFETIME = (
    Field(
        *("validity.count", "Validity", "8", "E15", "How many days, months or years it is to be valid"),
        kind=NUMBER,
        least=1,
        checked_by="validity.read_validity",
        says=f"at most {validity.MAX_YEARS} years, the CA's own limit, and public trust's on the day it is ordered",
        default="90 days",
        default_from=GROUP,
        goes_to=(ORDER, RECORD),
        variable="validity_count",
    ),
    Field(
        *("validity.unit", "Validity, unit", "8", "E15", "Unit of the validity"),
        kind=CHOICE,
        checked_by="validity.read_validity",
        choices=vocabulary.VALIDITY_UNITS,
        default="``days``",
        default_from=GROUP,
        goes_to=(ORDER, RECORD),
        variable="validity_unit",
    ),
    Field(
        *("validity.at_most", "Validity, at most", "", "E15"),
        meaning="Whether fewer days will do where public trust allows no more on the day it is ordered",
        kind=FLAG,
        says="without it such an order is refused, as what was approved is not what would be had",
        default="``false``",
        default_from=GROUP,
        goes_to=(ORDER, RECORD),
        variable="validity_at_most",
    ),
)

KEY = (
    Field(
        *("challenge_password", "Challenge Password", "8", "E16", "Challenge password in the CSR"),
        kind=SECRET,
        limit=challenge_rules.MAX_LENGTH,
        checked_by="challenge_rules.problems",
        says="an upper-case and a lower-case letter, a digit and a special character at least, printable ASCII",
        sources=MADE_HERE,
        whys={
            ENDPOINT: "the CSR that CPS makes bears no challenge password",
            UPLOAD: "the CSR is there already; what it bears stays in it",
            **NO_CSR,
        },
        goes_to=(CSR,),
        variable="challenge_password",
    ),
    Field(
        *("challenge_password_confirm", "Confirm Password", "8", "E16", "The challenge password once more"),
        kind=SECRET,
        says="the same as ``challenge_password``",
        mandatory="with ``challenge_password``",
        checked_by="challenge_rules.problems",
        sources=MADE_HERE,
        whys={
            ENDPOINT: "the CSR that CPS makes bears no challenge password",
            UPLOAD: "the CSR is there already; what it bears stays in it",
            **NO_CSR,
        },
        goes_to=("nowhere",),
        variable="challenge_password_confirm",
    ),
    Field(
        *("hash", "Hash Function", "8", "E17", "Hash that the CSR is signed with"),
        kind=CHOICE,
        choices=vocabulary.HASHES,
        narrowed={ENDPOINT: ("sha256",)},
        sources=WITH_CSR,
        whys={ENDPOINT: "CPS signs its CSRs with sha256 only", **NO_CSR},
        says="an Ed25519 key brings its own hash and does not use this one",
        offer=Offer(lambda ca: True, "those in the CA's ``capabilities.hashes``", ""),
        default="``sha256``",
        default_from=GROUP,
        goes_to=(CSR, ORDER, RECORD),
        variable="hash",
    ),
    Field(
        *("key_type", "Key Type", "8", "E17", "Kind of key"),
        kind=CHOICE,
        choices=vocabulary.KEY_TYPES,
        narrowed={ENDPOINT: ("rsa", "ec")},
        whys={ENDPOINT: "CPS makes rsa and ec keys only"},
        offer=Offer(lambda ca: True, "those in the CA's ``capabilities.key_types``", ""),
        default="``rsa``",
        default_from=GROUP,
        goes_to=(CSR, RECORD),
        variable="key_type",
    ),
    Field(
        *("key_size", "Bit Length", "8", "E17", "Bits of an RSA key"),
        kind=NUMBER,
        least=MIN_RSA_BITS,
        limit=MAX_RSA_BITS,
        rule=_bits_reason,
        narrowed={
            ENDPOINT: ("2048",),
            HSM: tuple(map(str, limits.TOKEN_RSA_BITS)),
            ADC: tuple(map(str, limits.ADC_RSA_BITS)),
        },
        whys={
            ENDPOINT: "CPS makes RSA keys of 2048 bits only",
            HSM: f"a token is asked for RSA keys of {_listed(limits.TOKEN_RSA_BITS)} bits only",
            ADC: f"controllers make RSA keys of {_listed(limits.ADC_RSA_BITS)} bits only",
        },
        says="whole bytes; goes with ``key_type: rsa`` or ``dual_stack``",
        default="2048",
        default_from=GROUP,
        goes_to=(CSR, RECORD),
        variable="key_size",
    ),
    Field(
        *("curve", "Bit Length, curve", "8", "E17", "Curve of an EC key"),
        rule=_curve_reason,
        choices=vocabulary.CURVES,
        narrowed={ENDPOINT: ("secp256r1",)},
        whys={ENDPOINT: "CPS makes ECDSA keys on P-256 only"},
        says="also as ``P-256``, ``P-384``, ``P-521``; goes with ``key_type: ec`` or ``dual_stack``",
        default="``secp256r1``",
        default_from=GROUP,
        goes_to=(CSR, RECORD),
        variable="curve",
    ),
)

EXTENSIONS = tuple(
    Field(
        *(f"extensions.{name}", label, "", "E17", meaning),
        kind=kind,
        says=says,
        checked_by="csr_building",
        sources=MADE_HERE,
        whys={ENDPOINT: "CPS makes the CSR", UPLOAD: "the CSR is there already", **NO_CSR},
        goes_to=(CSR, RECORD),
        variable=f"extension_{name}",
    )
    for name, label, meaning, kind, says in (
        ("key_usage", "Key usage", "What the key may be used for", TEXTS, "words of RFC 5280 §4.2.1.3"),
        ("extended_key_usage", "Extended key usage", "What the certificate is for", TEXTS, "words or object ids"),
        ("must_staple", "Must staple", "Whether to ask for OCSP must-staple", FLAG, "RFC 7633"),
        ("custom", "Other extensions", "Any other extension", MAP, "``oid``, ``value`` as base64 of DER, ``critical``"),
    )
)

ROWS = (*NAMES, *SUBJECT, *LIFETIME, *KEY, *EXTENSIONS)
