# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain ``requests`` with ``edgegrid-python`` against a running sandbox, and a small CA. Knows nothing of plugins."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import requests
from akamai.edgegrid import EdgeGridAuth
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from edgecert_sandbox.handle import Handle


def media(entity: str, version: int) -> str:
    """Give the media type of an entity of CPS."""
    return f"application/vnd.akamai.cps.{entity}.v{version}+json"


class ApiClient:
    """One API client of the sandbox."""

    def __init__(self, sandbox: Handle, section: str = "default") -> None:
        self.base_url = sandbox.base_url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = sandbox.ca_path
        self.session.auth = EdgeGridAuth.from_edgerc(sandbox.edgerc, section)

    def call(
        self, method: str, path: str, accept: str | None = None, body: Any = None, sent: str | None = None, **more: Any
    ) -> requests.Response:
        """Make one call.

        :param accept: entity and version, as ``enrollment.v11``; None asks for plain JSON.
        :param sent: entity and version of the body.
        """
        headers = {"Accept": media(*split(accept)) if accept else "application/json", **more.pop("headers", {})}
        if sent:
            headers["Content-Type"] = media(*split(sent))
        return self.session.request(
            method, self.base_url + path, json=body, headers=headers, timeout=30, allow_redirects=False, **more
        )

    def get(self, path: str, accept: str | None = None, **more: Any) -> requests.Response:
        """Read."""
        return self.call("GET", path, accept, **more)


def split(entity_version: str) -> tuple[str, int]:
    """Split ``enrollment.v11``."""
    entity, _dot, version = entity_version.rpartition(".v")
    return entity, int(version)


def enrollment(common_name: str, **changed: Any) -> dict[str, Any]:
    """Give a whole third-party enrollment; tests override what they are about."""
    contact = {"firstName": "R", "lastName": "Doe", "email": "r@example.com", "phone": "+1 555 0100"}
    body: dict[str, Any] = {
        "ra": "third-party",
        "validationType": "third-party",
        "certificateType": "third-party",
        "changeManagement": True,
        "enableMultiStackedCertificates": False,
        "csr": {
            "cn": common_name,
            "sans": [common_name],
            "c": "DE",
            "l": "Berlin",
            "o": "Example GmbH",
            "st": "Berlin",
        },
        "networkConfiguration": {
            "secureNetwork": "standard-tls",
            "sniOnly": True,
            "geography": "core",
            "quicEnabled": False,
            "dnsNameSettings": {"cloneDnsNames": True},
        },
        "org": {
            "name": "Example GmbH",
            "addressLineOne": "Weg 1",
            "city": "Berlin",
            "region": "Berlin",
            "postalCode": "10115",
            "country": "DE",
            "phone": "+49 30 1",
        },
        "adminContact": contact,
        "techContact": {**contact, "email": "r@akamai.com", "organizationName": "Akamai"},
        "thirdParty": {"excludeSans": False},
    }
    return {**body, **changed}


class SmallCa:
    """A root that signs CSRs."""

    def __init__(self, common_name: str = "Test Root") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = self._builder(name, name, self._key.public_key(), 3650)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self._root = builder.sign(self._key, hashes.SHA256())
        self.name = name

    @property
    def pem(self) -> str:
        """The root, PEM."""
        return self._root.public_bytes(serialization.Encoding.PEM).decode()

    def sign(self, csr_pem: str, days: int = 90) -> str:
        """Sign a CSR with its subject and SANs; gives PEM."""
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        builder = self._builder(csr.subject, self.name, csr.public_key(), days)
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    @staticmethod
    def _builder(subject: x509.Name, issuer: x509.Name, public: Any, days: int) -> x509.CertificateBuilder:
        now = datetime.now(timezone.utc)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
        return builder.not_valid_after(now + timedelta(days=days))
