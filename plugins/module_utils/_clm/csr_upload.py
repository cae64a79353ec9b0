# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CSR that was made elsewhere fills the form (E7): what it says stands, and what the form says otherwise is refused.

The CSR decides about names, subject and key; group policy fills none of them, and its rules hold all the same.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._core import other_names, vocabulary
from .._core.errors import InputError, StateError
from .._core.files import NoPlainFile, read_plain
from .form_csr import SUBJECT
from .form_places import EXTENSIONS
from .ports import Params

if TYPE_CHECKING:
    from .._core.types import CertRequest
    from .._pki.x509 import CsrFacts, Sans
    from .._store.base import Unit

MAX_BYTES = 64 * 1024
_KINDS: Mapping[str, str] = {"RSA": "rsa", "ECDSA": "ec", "Ed25519": "ed25519"}
_NAMES = "subject_alternative_names"


def filled(params: Params, otherwise: list[str]) -> Params:
    """Give the form with what its CSR says; the form itself where it brings none.

    :param otherwise: gets a sentence for each option that says something else, to be told with the rest of the form.
    :raises InputError: the CSR cannot be read or used; everything at once.
    """
    if not (params.get("csr") or params.get("csr_path")) or params.get("csr_source") not in (None, vocabulary.UPLOAD):
        return params
    from .._pki.csr import strength_problems
    from .._pki.csr_contents import extensions, hidden_problems
    from .._pki.x509 import csr_facts

    pem = _pem(params)
    _refuse_password(pem)
    facts = csr_facts(pem, "uploaded CSR")
    problems = [f"the uploaded CSR cannot be used: {problem}" for problem in strength_problems(facts)]
    problems += hidden_problems(pem, "uploaded CSR")
    said = _said(facts, problems)
    otherwise += [
        f"{option} is {_text(params[option])}, and the uploaded CSR says {_text(value)}; leave {option} out, or upload "
        "another CSR"
        for option, value in said.items()
        if option != _NAMES and params.get(option) is not None and not _is_same(option, params[option], value)
    ]
    otherwise += _name_problems(params.get(_NAMES) or {}, said)
    if problems:
        name = said["common_name"] or params.get("certificate") or "a certificate"
        raise InputError.of_problems(f"Cannot enrol {name}", [*problems, *otherwise])
    return {**params, **said, EXTENSIONS: extensions(pem, "uploaded CSR"), "csr": pem, "csr_path": None}


def _refuse_password(pem: str) -> None:
    """Refuse a CSR that bears a challenge password: requests show their CSRs, and no password may be in clear (E16).

    :raises InputError: it does; does not quote it.
    """
    from .._pki.csr_contents import has_challenge_password

    if has_challenge_password(pem):
        raise InputError(
            "Cannot take the uploaded CSR: it bears a challenge password, which everybody who sees the request could "
            "read; nothing of it was kept. Make a new CSR without one: with openssl, leave challengePassword out of "
            "the section of req_attributes, or answer its question with a dot. Where the CA wants one, have the key "
            "made with csr_source: local or hsm, and give challenge_password",
            code="csr_with_password",
        )


def _pem(params: Params) -> str:
    """Give the CSR as normalised PEM, whatever form it came in.

    :raises InputError: it is no CSR, or came twice.
    """
    if params.get("csr") and params.get("csr_path"):
        raise InputError("Cannot read the uploaded CSR: give either csr or csr_path, not both")
    content = _file(str(params["csr_path"])) if params.get("csr_path") else str(params["csr"]).encode()
    return _as_pem(content)


def _as_pem(content: bytes) -> str:
    from .._pki.pem import CSR_LABELS, Block, one_csr

    text = content.decode("ascii", errors="ignore")
    if "-----BEGIN" in text:
        return one_csr(text, "uploaded CSR")
    if not content.startswith(b"\x30"):
        try:
            content = base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError) as exc:
            raise InputError(
                "Cannot read the uploaded CSR: it is neither PEM, nor DER, nor DER in base64", code="csr_unreadable"
            ) from exc
    return Block(CSR_LABELS[0], content).pem


def _file(path: str) -> bytes:
    try:
        content = read_plain(path, MAX_BYTES)
    except NoPlainFile as exc:
        raise InputError(f"Cannot read the uploaded CSR: {path} is no plain file") from exc
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise InputError(f"Cannot read the uploaded CSR from {path}: {reason}", code="csr_unreadable") from exc
    if len(content) > MAX_BYTES:
        raise InputError(f"Cannot read the uploaded CSR: {path} is larger than {MAX_BYTES} bytes, no CSR is")
    return content


def _said(facts: CsrFacts, problems: list[str]) -> dict[str, Any]:
    """Give the options of the form as a CSR says them; what no option can say is a problem."""
    sans = _sans(facts.sans, problems)
    common_name = facts.common_name or (facts.sans.dns[0] if facts.sans.dns else "")
    if not common_name:
        problems.append("the uploaded CSR has neither a common name nor a DNS name")
    if facts.signature_hash and facts.signature_hash not in vocabulary.HASHES:
        problems.append(
            f"the uploaded CSR is signed with {facts.signature_hash}; {', '.join(vocabulary.HASHES)} are taken"
        )
    return {
        "common_name": common_name,
        _NAMES: sans,
        **{option: facts.subject_fields.get(option, "") for option in SUBJECT},
        "key_type": _KINDS.get(facts.key.algorithm, facts.key.algorithm),
        "key_size": facts.key.size if facts.key.algorithm == "RSA" else None,
        "curve": facts.key.curve if facts.key.algorithm == "ECDSA" else None,
        "hash": facts.signature_hash or "sha256",
        "dual_stack": False,
    }


def _sans(sans: Sans, problems: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {
        "dns": list(sans.dns),
        "ip": list(sans.ips),
        "email": list(sans.emails),
        "uri": list(sans.uris),
        "other": [],
        "directory": [],
    }
    for text in sans.others:
        kind, _colon, value = text.partition(":")
        if kind in ("other", "directory") and "#" not in value.partition(":")[0]:
            found[kind].append(value)
        else:
            problems.append(f"the uploaded CSR has the name {text}, which no option can say; make one without it")
    return found


def _is_same(option: str, given: Any, said: Any) -> bool:
    if option == "curve":
        return bool(vocabulary.curve_name(str(given)) == said)
    if option in ("common_name", "country"):
        return str(given).strip().lower() == str(said).lower()
    return bool(given == said or str(given).strip() == str(said))


def _name_problems(given: Mapping[str, Any], said: Mapping[str, Any]) -> list[str]:
    """Hold names of the form against those of the CSR, kind by kind; the common name is always among the DNS names."""
    found = []
    for kind, listed in said[_NAMES].items():
        if given.get(kind) is None:
            continue
        fold = other_names.written if kind == "other" else str.lower
        wanted, there = ({fold(str(name)) for name in names} for names in (given[kind], listed))
        if kind == "dns":
            wanted, there = wanted | {said["common_name"].lower()}, there | {said["common_name"].lower()}
        if wanted != there:
            missing, surplus = ", ".join(sorted(wanted - there)), ", ".join(sorted(there - wanted))
            told = [f"lacks {missing}"] if missing else []
            told += [f"has {surplus} too"] if surplus else []
            found.append(f"{_NAMES}.{kind} is not what the uploaded CSR says, which {' and '.join(told)}")
    return found


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


# -- against what is in the store --------------------------------------------------------------------------------------


def refuse_known(unit: Unit, csr: str, certificate_id: str) -> list[str]:
    """Refuse a CSR whose key is at CPS, and tell of other certificates with the same key.

    :param csr: PEM.
    :returns: warnings, a sentence each.
    :raises StateError: CPS made it for a request of this store.
    """
    from .._pki.x509 import csr_facts

    wanted = csr_facts(csr).key.spki_sha256
    warnings = []
    for request in unit.requests.find():
        if wanted not in {csr_facts(text).key.spki_sha256 for text in request.csrs.values() if text}:
            continue
        if request.csr_source == vocabulary.ENDPOINT:
            raise StateError(
                f"Cannot use the uploaded CSR for {certificate_id}: CPS made it for request {request.request_id} of "
                f"{request.certificate_id}, which goes on by itself; run edgecert.clm.cert_enroll for that with "
                "csr_source: endpoint",
                code="csr_of_endpoint",
                details={"request_id": request.request_id, "certificate": request.certificate_id},
            )
        if request.certificate_id != certificate_id:
            warnings.append(
                f"the key of the uploaded CSR is the key of {request.certificate_id} too (request "
                f"{request.request_id}); whoever has the one has the other"
            )
    return sorted(set(warnings))


def refuse_other(request: CertRequest, params: Params) -> None:
    """Refuse another CSR than the one a request stands for; the same one again changes nothing.

    :raises StateError: it is another one; names both.
    """
    given, stored = params.get("csr"), request.wish.get("csr")
    if not given or not stored or given == stored:
        return
    from .._pki.x509 import csr_facts

    is_open = request.state != "issued"
    todo = "wait for it to end, or cancel it with edgecert.clm.cert_workflow"
    if not is_open:
        todo = "have a new certificate for it with action: renew or regenerate"
    raise StateError(
        f"Cannot enrol {request.certificate_id} with the uploaded CSR {csr_facts(given).fingerprint}: request "
        f"{request.request_id} is {request.state} with another one, {csr_facts(stored).fingerprint}; {todo}",
        code="request_open" if is_open else "already_enrolled",
        details={
            "request_id": request.request_id,
            "state": request.state,
            "given": csr_facts(given).fingerprint,
            "stored": csr_facts(stored).fingerprint,
        },
    )


def refuse_old(params: Params, wish: Mapping[str, Any], parent: CertRequest) -> None:
    """Refuse to renew with a CSR that was used already, unless the form keeps the key.

    :param wish: of the renewal.
    :raises InputError: a new CSR is needed.
    """
    if parent.csr_source != vocabulary.UPLOAD:
        return
    action, stays = params["action"], bool(wish.get("reuse_key"))
    if action == "renew" and stays:
        return
    from .._pki.csr import same_key

    if wish["csr"] != parent.wish.get("csr") and not same_key(wish["csr"], parent.wish["csr"]):
        return
    keep = ", or reuse_key: true to have the same key signed again" if action == "renew" else ""
    raise InputError(
        f"Cannot {action} {parent.certificate_id}: its key is wherever its uploaded CSR was made, so a new CSR of a "
        f"new key is needed; give csr or csr_path{keep}",
        code="new_csr_needed",
    )
