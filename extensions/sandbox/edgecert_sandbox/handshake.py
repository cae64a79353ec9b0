# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TLS handshake with an edge, as a viewer makes it, for the command line and the demonstration."""

from __future__ import annotations

import socket
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from .control import SandboxError


def presented_certificate(address: str, server_name: str, *, ciphers: str = "") -> x509.Certificate:
    """Shake hands and give the certificate the edge presents; it is looked at, not trusted.

    :param address: ``address:port`` of the edge.
    :param ciphers: OpenSSL cipher list for a TLS 1.2 handshake, as ``ECDHE-RSA-AES128-GCM-SHA256`` to ask for the RSA
        certificate; empty takes what both sides like best.
    :raises SandboxError: nobody answers, or there is no handshake.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    host, _colon, port = address.rpartition(":")
    try:
        with (
            socket.create_connection((host, int(port)), timeout=10) as raw,
            context.wrap_socket(raw, server_hostname=server_name) as secured,
        ):
            der = secured.getpeercert(binary_form=True)
    except OSError as exc:
        raise SandboxError(f"No TLS handshake with {address} for {server_name}: {exc}") from exc
    return x509.load_der_x509_certificate(der or b"")


def presented(address: str, server_name: str) -> list[str]:
    """Give lines that describe what an edge presents: subject, issuer, end, fingerprint."""
    certificate = presented_certificate(address, server_name)
    digest = certificate.fingerprint(hashes.SHA256()).hex()
    return [
        f"subject:     {certificate.subject.rfc4514_string()}",
        f"issuer:      {certificate.issuer.rfc4514_string()}",
        f"not after:   {certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        f"sha256:      {':'.join(digest[i : i + 2] for i in range(0, 64, 2)).upper()}",
    ]
