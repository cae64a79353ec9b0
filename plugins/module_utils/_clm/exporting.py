# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a certificate, and its key where that is here, into a file of mode 0600 (E6). Nothing of it is in a result.

The audit line comes before the file: no key leaves without being on record.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._core import csr_sources, files
from .._core.errors import ClmError, InputError, PolicyError, StateError, StoreError
from .._core.governance import Group
from .._core.plan import Outcome, Plan, Step
from .._core.redact import Secret
from .._core.types import AuditEntry, Certificate, CertRequest, StoredPem
from . import key_secrets, policy, rules
from .connectors import required_certificate
from .ports import Params, Ports

if TYPE_CHECKING:
    from .._pki.containers import Contents
    from .._store.base import Unit

FORMATS = ("pem", "pkcs12")
CONTENTS = ("bundle", "key", "certificate", "chain", "fullchain")
"""What a file holds: key, certificate and chain together, or one of them, or the certificate with its chain."""
_WITH_KEY = ("bundle", "key")
_MODE = 0o600
# What OpenSSL, and so the library that writes it, takes for an encrypted PEM key; its PKCS#12 has no such limit.
_MAX_PASSPHRASE_BYTES = 1023
_NOUN = "certificate"


@dataclass(frozen=True)
class _Wanted:
    """What is to be written where.

    :ivar passphrase: None for none.
    """

    certificate: Certificate
    request: CertRequest | None
    algorithm: str
    contents: Contents
    format: str
    what: str
    dest: str
    passphrase: Secret | None
    force: bool
    comment: str

    def view(self) -> dict[str, Any]:
        """Show it, without anything that is in it."""
        return {
            "certificate": self.certificate.certificate_id,
            "fingerprint": self.certificate.fingerprint,
            "key_algorithm": self.algorithm,
            "content": self.what,
            "format": self.format,
            "has_key": self.contents.key is not None,
            "encrypted": self.contents.key is not None and self.passphrase is not None,
            "dest": self.dest,
            "mode": f"{_MODE:04o}",
        }


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``cert_export`` would do.

    :raises InputError: the options do not go together, or the file is there with something else.
    :raises NotFoundError: there is no such certificate.
    :raises PolicyError: the group does not let its keys out.
    :raises StateError: nothing is issued, or the key is not here; says where it is.
    """
    _refuse_options(params)
    with ports.store.read() as unit:
        wanted = _wanted(params, unit)
    found = _found(wanted)
    view = wanted.view()
    if found == "same":
        return Plan(view, view, (), lambda: Outcome(view))
    if found != "mode":
        files.check_new(wanted.dest, "the export", force=wanted.force, taken=ports.own_files)

    def write() -> bool:
        _write(wanted, ports, only_mode=found == "mode")
        return True

    return Plan(None if not found else view, view, (Step(_sentence(wanted, found), write),), lambda: Outcome(view))


def _refuse_options(params: Params) -> None:
    """Refuse what does not go together.

    :raises InputError: all of it.
    """
    what, problems = params["content"], []
    passphrase = params.get("passphrase")
    if params["format"] == "pkcs12":
        if what != "bundle":
            problems.append(f"format pkcs12 holds key, certificate and chain; content {what} is to be had as pem")
        if not passphrase:
            problems.append("passphrase is missing; a PKCS#12 file is always encrypted")
    elif passphrase is not None and not passphrase:
        # As a variable or a look-up that came to nothing gives it: nobody asked for a key in clear.
        problems.append("passphrase is empty, and encrypts nothing; give one, or leave it out for a key in clear")
    elif passphrase and what not in _WITH_KEY:
        problems.append(f"passphrase encrypts a private key, and content {what} has none; leave it out")
    elif passphrase and len(passphrase.encode()) > _MAX_PASSPHRASE_BYTES:
        size = len(passphrase.encode())
        problems.append(f"passphrase has {size} bytes, and a PEM key takes {_MAX_PASSPHRASE_BYTES}; give a shorter one")
    if not Path(params["dest"]).is_absolute():
        problems.append(f"dest {params['dest']} is no absolute path")
    if problems:
        raise InputError.of_problems(f"Cannot export {params['certificate']}", problems)


def _wanted(params: Params, unit: Unit) -> _Wanted:
    from .._pki.containers import Contents

    certificate, what = required_certificate(unit, params["certificate"]), params["content"]
    request = unit.requests.get(certificate.request_id) if certificate.request_id else None
    algorithm, pem = _pem_of(params.get("key_algorithm"), certificate, request, unit)
    key = _key_of(certificate, request, algorithm, unit) if what in _WITH_KEY else None
    above = [pem.chain] if pem.chain else []
    texts = {"certificate": [pem.leaf], "chain": above, "key": []}.get(what, [pem.leaf, *above])
    if what == "chain" and not above:
        raise StateError(
            f"Cannot export the chain of {certificate.certificate_id}: its CA signed with its root, there is none",
            code="chain_missing",
        )
    passphrase = params.get("passphrase")
    return _Wanted(
        certificate,
        request,
        algorithm,
        Contents(key, _split(texts), certificate.certificate_id),
        params["format"],
        what,
        params["dest"],
        Secret(passphrase) if passphrase else None,
        bool(params.get("force")),
        params.get("comment") or "",
    )


def _split(texts: list[str]) -> list[str]:
    from .._pki.pem import split_certificates

    return [one for text in texts for one in split_certificates(text)]


def _pem_of(
    named: str | None, certificate: Certificate, request: CertRequest | None, unit: Unit
) -> tuple[str, StoredPem]:
    """Give the certificate's text, of the kind of key that is named where there are two."""
    what = f"Cannot export {certificate.certificate_id}"
    known = dict(request.fingerprints) if request is not None else {}
    if certificate.fingerprint not in known.values():
        known = {certificate.key_algorithm: certificate.fingerprint} if certificate.fingerprint else {}
    if not known:
        raise StateError(f"{what}: no certificate is issued for it yet", code="certificate_not_issued")
    if named and named not in known:
        raise InputError(f"{what}: it has no {named} certificate; it has {' and '.join(known)}")
    if not named and len(known) > 1:
        raise InputError(f"{what}: it has {' and '.join(known)} certificates; name one with key_algorithm")
    algorithm = named or next(iter(known))
    pem = unit.pems.get(known[algorithm])
    if pem is None:
        raise StateError(
            f"{what}: its text is not in the store; have the device discovered with edgecert.clm.akamai_cps_device",
            code="pem_missing",
        )
    return algorithm, pem


def _key_of(certificate: Certificate, request: CertRequest | None, algorithm: str, unit: Unit) -> Secret:
    """Give the private key.

    :raises PolicyError: the group keeps its keys.
    :raises StateError: it is not here.
    """
    what = f"Cannot export the key of {certificate.certificate_id}"
    holder = key_secrets.holder_of(request, algorithm) if request is not None else ""
    held = unit.held_secrets.get("request", holder, f"private_key/{algorithm}") if holder else None
    if held is None or held.value is None:
        where = csr_sources.WHERE.get(request.csr_source) if request is not None else None
        raise StateError(
            f"{what}: it is not here; {where or 'it was found at a device, and nothing is known of its key'}. Its "
            "certificate and chain are to be had with content: fullchain",
            code="key_not_here",
            details={"csr_source": request.csr_source if request is not None else ""},
        )
    _refuse_kept(what, policy.group_of(unit, certificate.group), unit.requests.get(holder))
    return held.value


def _refuse_kept(what: str, group: Group, holder: CertRequest | None) -> None:
    """Refuse where the certificate's group keeps its keys, or the one did in which the key was made.

    :param holder: the request that holds the key.
    :raises PolicyError: one of them does.
    """
    why = "" if policy.lets_keys_out(group) else f"group {group.name} lets no key out"
    if not why and holder is not None and holder.policy.get(rules.EXPORTABLE) is False:
        made_in = holder.policy.get("group", "")
        why = f"its key was made in group {made_in} for request {holder.request_id} when that group let no key out"
    if why:
        raise PolicyError(
            f"{what}: {why} (rule allowed.{rules.EXPORTABLE}); action: regenerate in a group that lets keys out brings "
            "another key",
            details={"violations": [f"allowed.{rules.EXPORTABLE}"]},
        )


def _found(wanted: _Wanted) -> str:
    """Say what is at the place: ``same``, ``mode`` (the same, others may read it), ``other``, or nothing."""
    path = Path(wanted.dest)
    try:
        status = path.lstat()
    except OSError:
        return ""
    if not stat.S_ISREG(status.st_mode):
        return "other"
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise InputError(
            f"Cannot export to {wanted.dest}: the file that is there cannot be read ({exc.strerror})",
            code="file_unreadable",
        ) from exc
    if not _holds(wanted, data):
        return "other"
    return "same" if stat.S_IMODE(status.st_mode) == _MODE else "mode"


def _holds(wanted: _Wanted, data: bytes) -> bool:
    from .._pki import containers

    if wanted.format == "pkcs12" and wanted.passphrase is not None:
        return containers.is_pkcs12_of(data, wanted.contents, wanted.passphrase)
    return containers.is_pem_of(data, wanted.contents, wanted.passphrase)


def _data(wanted: _Wanted) -> bytes:
    from .._pki import containers

    if wanted.format == "pkcs12" and wanted.passphrase is not None:
        return containers.to_pkcs12(wanted.contents, wanted.passphrase)
    return containers.to_pem(wanted.contents, wanted.passphrase)


def _sentence(wanted: _Wanted, found: str) -> str:
    if found == "mode":
        return f"Let {wanted.dest} be read by its owner alone"
    verb = "Overwrite" if found else "Write"
    return f"{verb} {wanted.dest} with the {wanted.what} of {wanted.certificate.certificate_id} ({wanted.format})"


def _write(wanted: _Wanted, ports: Ports, *, only_mode: bool) -> None:
    _audit(wanted, ports, "key_exported" if wanted.contents.key is not None else "certificate_exported")
    try:
        if only_mode:
            _close_to_others(wanted.dest)
            return
        with files.replacing(wanted.dest, "the export") as part, Path(part).open("wb") as file:
            file.write(_data(wanted))
    except Exception as exc:
        # Also what nobody thought of: the line before says that the key left, and it did not.
        message = exc.message if isinstance(exc, ClmError) else f"unexpected {exc.__class__.__name__}"
        _audit(wanted, ports, "export_failed", {"message": message})
        raise


def _close_to_others(dest: str) -> None:
    try:
        Path(dest).chmod(_MODE)
    except OSError as exc:
        raise StoreError(
            f"Cannot let {dest} be read by its owner alone: {exc.strerror}; have its owner run this, or remove the "
            "file and export again",
            code="file_unwritable",
        ) from exc


def _audit(wanted: _Wanted, ports: Ports, action: str, more: Mapping[str, Any] | None = None) -> None:
    request = wanted.request
    entry = AuditEntry(ports.actor, action, _NOUN, wanted.certificate.certificate_id, comment=wanted.comment)
    after = {**wanted.view(), **(more or {})}
    tracking_id = request.tracking_id if request is not None else ""
    with ports.store.write() as unit:
        unit.audit(replace(entry, after=after, tracking_id=tracking_id))
