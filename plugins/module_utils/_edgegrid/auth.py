# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The object that signs each request, made of Akamai's own library. No signature is computed here."""

from __future__ import annotations

import logging
from typing import Any

from .._core.deps import needed
from .credentials import Credentials


def edgegrid_auth(credentials: Credentials) -> Any:
    """Make the signer for a ``requests`` session; it signs each prepared request as it will be sent.

    :raises MissingLibrary: edgegrid-python is not installed.
    """
    with needed("edgegrid-python", "signing requests to Akamai"):
        from akamai.edgegrid import EdgeGridAuth
    # At debug level the library logs its signing key and whole bodies.
    logging.getLogger("akamai.edgegrid.edgegrid").setLevel(logging.WARNING)
    return EdgeGridAuth(
        client_token=credentials.client_token,
        client_secret=credentials.client_secret.reveal(),
        access_token=credentials.access_token,
        max_body=credentials.max_body,
    )
