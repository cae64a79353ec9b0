# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The officer's signature under a write to Nexus: CMS SignedData over the bytes that the gateway hands out.

It is made with the officer's certificate of the account, or with another that is for signing alone.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._core.deps import needed
from .._core.errors import InputError, RemoteError
from .._core.redact import Secret
from . import client_certificate
from .option_table import Option, Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

FEATURE = "signing orders for Nexus"
CERTIFICATE = "signing_certificate"
OPTIONS: Table = {
    CERTIFICATE: Option(
        "str", "Certificate, PEM, of the officer who signs, where it is not client_certificate.", default=""
    ),
    "signing_key": Option("str", "Private key, PEM, of signing_certificate.", secret=True),
    "signing_passphrase": Option("str", "Passphrase of signing_key.", secret=True),
}


def taken(
    options: Mapping[str, Any], secrets: Mapping[str, str], given: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Give an account's secrets with the signing key as it is kept, in clear, and every problem.

    :param secrets: all of the account; ``given`` those of this call.
    """

    def as_client(found: Mapping[str, str]) -> dict[str, str]:
        return {f"client_{name[8:]}": text for name, text in found.items() if name.startswith("signing_")}

    certificate = {"client_certificate": options.get("signing_certificate") or ""}
    _same, made, problems = client_certificate.taken(certificate, as_client(secrets), as_client(given))
    kept = {name: text for name, text in secrets.items() if not name.startswith("signing_")}
    if made.get("client_key"):
        kept["signing_key"] = made["client_key"]
    words = [problem.replace("; give both, or client_pfx", "").replace("client_", "signing_") for problem in problems]
    return kept, words


def signed(data: str, options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> str:
    """Sign what the gateway handed out.

    :param data: base64, as it came.
    :returns: CMS SignedData with the data in it, DER, base64.
    :raises RemoteError: what came is no base64.
    :raises InputError: there is no key that can sign.
    """
    with needed("cryptography", FEATURE):
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7
    from .._pki import x509

    role = "signing" if options.get("signing_certificate") else "client"
    key, text = secrets.get(f"{role}_key"), str(options.get(f"{role}_certificate") or "")
    if key is None or not text:
        raise InputError("Nexus wants orders to be signed, and the account has no officer's certificate with its key")
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (ValueError, binascii.Error) as exc:
        raise RemoteError("Cannot sign for Nexus: what it wants signed is no base64", code="not_json") from exc
    given = client_certificate.certificates(text, f"{role}_certificate")
    certificates = [x509.load_certificate(one) for one in given]
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    builder = builder.add_signer(
        certificates[0], _usable(load_pem_private_key(key.reveal().encode(), None), role), hashes.SHA256()
    )
    for above in certificates[1:]:
        builder = builder.add_certificate(above)
    # Without this the content would be rewritten as text, with other line ends.
    return base64.b64encode(builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])).decode("ascii")


def _usable(key: Any, role: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        return key
    raise InputError(f"{role}_key is neither RSA nor EC; CMS signatures are made with these")
