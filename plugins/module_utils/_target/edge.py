# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at the certificate an edge server presents, by a TLS handshake that asks for one kind of key.

Sends no request, trusts nothing and needs no trust: the answer is fingerprints that the caller compares with those he
pushed, and a fingerprint that is equal can only be that very certificate.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._core.errors import ClmError, InputError, TransportError
from .._core.hosts import parse_host
from .._pki.x509 import certificate_facts
from .edge_base import EdgeProbe, Presented

DEFAULT_PORT = 443
# Stands in an alert's place where nothing was sent.
_NOT_OFFERED = "not_offered"
# TLS 1.2 suites by how the server proves its key; a server with both certificates picks the one that fits.
_CIPHERS = {"RSA": "aRSA:!eNULL", "ECDSA": "aECDSA:!eNULL"}


class TlsEdgeProbe(EdgeProbe):
    """The probe over a real connection.

    :param timeout_s: for connecting and again for the handshake.
    """

    def __init__(self, timeout_s: float = 10.0) -> None:
        self._timeout_s = timeout_s

    def presented(self, address: str, server_name: str, key_algorithm: str) -> Presented:
        """Give what is presented in a TLS handshake.

        :param server_name: a host name, sent as SNI; a wildcard is none.
        :raises InputError: the address, the name or the key algorithm cannot be used.
        """
        place = parse_host(address, "the address of an edge server")
        host, port = place.name, place.port or DEFAULT_PORT
        if key_algorithm not in _CIPHERS:
            raise InputError(
                f"Cannot look at {address} for a key of the kind {key_algorithm!r}; RSA and ECDSA can be asked for"
            )
        if not server_name or "*" in server_name:
            raise InputError(
                f"Cannot look at {address} for {server_name!r}: a handshake needs a host name, name one that it covers"
            )
        where = f"{host} port {port} for {server_name} ({key_algorithm})"
        try:
            return self._handshake(host, port, server_name, _limited(key_algorithm), where)[0]
        except TransportError as exc:
            if exc.details.get("alert") != "protocol_version":
                raise
        return self._presented_by_tls13(host, port, server_name, key_algorithm, where)

    def takes_version(self, address: str, server_name: str, version: str) -> bool | None:
        """Say whether a server shakes hands by one version of TLS."""
        place = parse_host(address, "the address of an edge server")
        host, port = place.name, place.port or DEFAULT_PORT
        context = _of_version(version)
        if context is None:
            return None
        where = f"{host} port {port} for {server_name} ({version})"
        try:
            self._handshake(host, port, server_name, context, where)
        except TransportError as exc:
            if exc.details.get("alert") == _NOT_OFFERED:
                return None
            if exc.kind == "reset" or exc.details.get("alert"):
                return False
            raise
        return True

    def _presented_by_tls13(self, host: str, port: int, server_name: str, key_algorithm: str, where: str) -> Presented:
        """Look again with TLS 1.3, where the ssl module cannot say which key is wanted: the edge picks.

        A leaf of the other kind is then no answer to the question.
        """
        context = _context()
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        shown, found = self._handshake(host, port, server_name, context, where)
        if found != key_algorithm:
            raise TransportError(
                f"Cannot look at {where}: the edge speaks TLS 1.3 only and chose its {found} certificate; the "
                f"{key_algorithm} one cannot be asked for by this Python",
                kind="tls",
                sent=False,
            )
        return shown

    def _handshake(
        self, host: str, port: int, server_name: str, context: ssl.SSLContext, where: str
    ) -> tuple[Presented, str]:
        """Give what is presented, and the kind of the leaf's key; empty when it cannot be read."""
        with (
            self._connection(host, port, where) as plain,
            _handshake_errors(where),
            context.wrap_socket(plain, server_hostname=server_name) as secured,
        ):
            der, chain = secured.getpeercert(binary_form=True), _chain(secured)
        if der is None:
            raise TransportError(f"Cannot look at {where}: no certificate was presented", kind="tls", sent=False)
        return _told(der, chain)

    def _connection(self, host: str, port: int, where: str) -> socket.socket:
        try:
            return socket.create_connection((host, port), timeout=self._timeout_s)
        except socket.gaierror as exc:
            raise _failure(where, "the name cannot be resolved", "resolve", exc, "check the address") from exc
        except TimeoutError as exc:
            raise _failure(
                where, f"no connection in {self._timeout_s:g} s", "timeout", exc, "look again later"
            ) from exc
        except OSError as exc:
            raise _failure(where, "no connection", "connect", exc, "check address, port and firewall") from exc


def _chain(secured: ssl.SSLSocket) -> tuple[bytes, ...] | None:
    """Give what came with the leaf, as DER; None where Python has no way to tell."""
    # Public from Python 3.13 on; from 3.10 on the object behind it had the same method.
    holder: Any = secured if hasattr(secured, "get_unverified_chain") else getattr(secured, "_sslobj", None)
    if not hasattr(holder, "get_unverified_chain"):
        return None
    found = holder.get_unverified_chain() or []
    return tuple(one if isinstance(one, bytes) else ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in found)[1:]


def _told(der: bytes, chain: tuple[bytes, ...] | None) -> tuple[Presented, str]:
    prints = None if chain is None else tuple(hashlib.sha256(one).hexdigest() for one in chain)
    try:
        facts = certificate_facts(ssl.DER_cert_to_PEM_cert(der))
    except ClmError:
        # It is not the one that was pushed, whatever it is.
        return Presented(hashlib.sha256(der).hexdigest(), prints), ""
    return Presented(facts.fingerprint, prints, facts.subject), facts.key.algorithm


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # No trust check: a certificate of a private CA, an expired one, the wrong one are all to be seen and told.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _of_version(version: str) -> ssl.SSLContext | None:
    """Limit a handshake to one version, old ciphers with it; None where Python was built without it."""
    if not getattr(ssl, f"HAS_{version}", False):
        return None
    context, only = _context(), getattr(ssl.TLSVersion, version)
    with warnings.catch_warnings():
        # Old versions are what is asked about.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            context.minimum_version = context.maximum_version = only
        except ValueError:
            return None
    # The level of security that is usual by now has no cipher and no signature that the old versions know.
    context.set_ciphers("ALL:!aNULL:!eNULL:@SECLEVEL=0")
    return context


def _limited(key_algorithm: str) -> ssl.SSLContext:
    """Limit a handshake to one kind of key, which TLS 1.2 does by its cipher suites."""
    context = _context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS[key_algorithm])
    return context


@contextmanager
def _handshake_errors(where: str) -> Iterator[None]:
    """Turn what goes wrong in a handshake into our error."""
    try:
        yield
    except TimeoutError as exc:
        raise _failure(where, "the handshake took too long", "timeout", exc, "look again later") from exc
    except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as exc:
        # Which of the two an end of the connection is depends on how Python was built.
        advice = "check that it is a TLS server and that it serves this name"
        raise _failure(where, "the connection was closed in the handshake", "reset", exc, advice) from exc
    except ssl.SSLError as exc:
        advice = "the edge may have no certificate of this kind for the name"
        failure = _failure(where, "the TLS handshake failed", "tls", exc, advice)
        if alert := _alert(exc.reason or ""):
            failure.details["alert"] = alert
        raise failure from exc
    except OSError as exc:
        raise _failure(where, "the connection failed", "connect", exc, "look again later") from exc


def _alert(reason: str) -> str:
    """Name the alert that ended a handshake, after OpenSSL's word for it; empty where it was none."""
    if "PROTOCOL_VERSION" in reason or reason == "UNSUPPORTED_PROTOCOL":
        # The latter is an answer by a version that was not offered.
        return "protocol_version"
    if reason in ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE"):
        return _NOT_OFFERED
    return reason.partition("ALERT_")[2].lower()


def _failure(where: str, what: str, kind: str, exc: OSError, advice: str) -> TransportError:
    reason = exc.strerror or str(exc)
    return TransportError(f"Cannot look at {where}: {what} ({reason}); {advice}", kind=kind, sent=False)
