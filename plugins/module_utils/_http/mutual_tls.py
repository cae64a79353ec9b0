# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutual TLS without a lasting file: OpenSSL reads keys from files alone, so it gets one for the moment it reads.

In memory where the system can (Linux), else a temporary one with mode 0600; gone in either case before the first byte
is sent, also when it cannot be read.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from typing import Any

from .._core.deps import needed
from .._core.errors import InputError
from .base import ClientIdentity


def client_adapter(identity: ClientIdentity, *, validate_certs: bool, ca_path: str | None = None) -> Any:
    """Give the adapter of requests that authenticates with a certificate.

    :param ca_path: of the CAs that replace the system's, which requests loads itself; None for the system's.
    :raises InputError: certificate and key cannot be used.
    """
    with needed("requests", "speaking to remote services"):
        from requests.adapters import HTTPAdapter
        from urllib3.util.ssl_ import create_urllib3_context
    context = create_urllib3_context()
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif not ca_path:
        context.load_default_certs()
    load(context, identity)

    class ClientAdapter(HTTPAdapter):
        """Gives its connections, those through a proxy too, the context that holds the key."""

        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **{**kwargs, "ssl_context": context})

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            return super().proxy_manager_for(proxy, **{**kwargs, "ssl_context": context})

    return ClientAdapter(pool_connections=1, pool_maxsize=1, max_retries=0)


def load(context: ssl.SSLContext, identity: ClientIdentity) -> None:
    """Load certificate and key into a context.

    :raises InputError: they cannot be read, or do not belong together.
    """
    with _briefly(identity.certificate + "\n" + identity.key.reveal()) as path:
        try:
            context.load_cert_chain(path, password="")
        except (ssl.SSLError, ValueError, OSError) as exc:
            # OpenSSL's words name no content; a passphrase is never asked for at a terminal.
            reason = getattr(exc, "reason", None) or "unreadable"
            raise InputError(
                f"Cannot use the client certificate: {reason.replace('_', ' ').lower()}; check that key and "
                "certificate are PEM and belong together"
            ) from exc


@contextlib.contextmanager
def _briefly(text: str) -> Iterator[str]:
    """Have a text in a file for the time of a block."""
    if hasattr(os, "memfd_create"):
        number, path, remove = os.memfd_create("client"), "", ""
        path = f"/proc/self/fd/{number}"
    else:
        number, path = tempfile.mkstemp(prefix="clm")
        remove = path
    try:
        os.write(number, text.encode())
        yield path
    finally:
        os.close(number)
        if remove:
            os.unlink(remove)
