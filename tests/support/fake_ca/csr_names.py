# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names in a CSR, for fakes of CAs that copy them from there."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from cryptography import x509
from cryptography.x509.oid import ExtensionOID


def names_of(csr_pem: str) -> list[str]:
    """Give DNS names and addresses; none for what is no CSR, which is refused elsewhere."""
    try:
        found = x509.load_pem_x509_csr(csr_pem.encode()).extensions.get_extension_for_oid(
            ExtensionOID.SUBJECT_ALTERNATIVE_NAME
        )
    except (ValueError, x509.ExtensionNotFound):
        return []
    value = found.value
    assert isinstance(value, x509.SubjectAlternativeName)
    return [*value.get_values_for_type(x509.DNSName), *map(str, value.get_values_for_type(x509.IPAddress))]


def general_names(names: Iterable[str]) -> list[x509.GeneralName]:
    """Give DNS names and addresses as a certificate or a CSR has them."""
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found
