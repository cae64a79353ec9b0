# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of CA there is, alphabetical: one function and one line each.

Plain imports, as Ansible bundles what it reads in import statements, and late, as a call needs one kind at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .._core.clock import Clock
from .._core.errors import InputError
from .._http.base import Transport, TransportOptions
from .base import CaConnectorType, Tools


def _acme(tools: Tools) -> CaConnectorType:
    from .acme import AcmeType

    return AcmeType(tools)


def _aws_pca(tools: Tools) -> CaConnectorType:
    from .aws_pca import AwsPcaType

    return AwsPcaType(tools)


def _csc_global(tools: Tools) -> CaConnectorType:
    from .csc_global import CscGlobalType

    return CscGlobalType(tools)


def _digicert(tools: Tools) -> CaConnectorType:
    from .digicert import DigiCertType

    return DigiCertType(tools)


def _digicert_one(tools: Tools) -> CaConnectorType:
    from .digicert_one import DigiCertOneType

    return DigiCertOneType(tools)


def _ejbca(tools: Tools) -> CaConnectorType:
    from .ejbca import EjbcaType

    return EjbcaType(tools)


def _est(tools: Tools) -> CaConnectorType:
    from .est import EstType

    return EstType(tools)


def _globalsign_mssl(tools: Tools) -> CaConnectorType:
    from .globalsign_mssl import GlobalsignMsslType

    return GlobalsignMsslType(tools)


def _google_cas(tools: Tools) -> CaConnectorType:
    from .google_cas import GoogleCasType

    return GoogleCasType(tools)


def _hydrantid(tools: Tools) -> CaConnectorType:
    from .hydrantid import HydrantIdType

    return HydrantIdType(tools)


def _idnomic(tools: Tools) -> CaConnectorType:
    from .idnomic import IdnomicType

    return IdnomicType(tools)


def _nexus(tools: Tools) -> CaConnectorType:
    from .nexus import NexusType

    return NexusType(tools)


def _own_ca(tools: Tools) -> CaConnectorType:
    from .own_ca import OwnCaType

    return OwnCaType(tools)


def _vault_pki(tools: Tools) -> CaConnectorType:
    from .vault_pki import VaultPkiType

    return VaultPkiType(tools)


_TYPES: Mapping[str, Callable[[Tools], CaConnectorType]] = {
    "acme": _acme,
    "aws_pca": _aws_pca,
    "csc_global": _csc_global,
    "digicert": _digicert,
    "digicert_one": _digicert_one,
    "ejbca": _ejbca,
    "est": _est,
    "globalsign_mssl": _globalsign_mssl,
    "google_cas": _google_cas,
    "hydrantid": _hydrantid,
    "idnomic": _idnomic,
    "nexus": _nexus,
    "own_ca": _own_ca,
    "vault_pki": _vault_pki,
}


def type_names() -> tuple[str, ...]:
    """Give the names of all kinds, alphabetical."""
    return tuple(_TYPES)


def connector_type(name: str, tools: Tools | Clock | None = None) -> CaConnectorType:
    """Give a kind of CA by its name.

    :param tools: what its connectors are made with; with a clock alone, or nothing, they cannot call anybody.
    :raises InputError: there is none of that name; names those there are.
    """
    if name not in _TYPES:
        raise InputError(f"There is no CA type {name!r}; there is: {', '.join(_TYPES)}", code="unknown_ca_type")
    if isinstance(tools, Tools):
        return _TYPES[name](tools)
    from .._core.clock import SystemClock

    return _TYPES[name](Tools(tools or SystemClock(), _no_transport))


def _no_transport(options: TransportOptions) -> Transport:
    raise RuntimeError(f"nothing that could reach {options.host} was handed in")
