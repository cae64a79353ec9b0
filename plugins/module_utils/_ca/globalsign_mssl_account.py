# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an account at GlobalSign MSSL."""

from __future__ import annotations

from . import globalsign_mssl_wire as wire
from . import option_table
from .connection import path_reason, url_reason
from .option_table import Option

ACCOUNT: option_table.Table = {
    **option_table.NETWORK,
    "url": Option(
        "str",
        "Address of the services; for tests there is https://test-gcc.globalsign.com.",
        default="https://system.globalsign.com",
        check=url_reason,
    ),
    "order_path": Option("str", "Path of the order service.", default="/kb/ws/v2/ManagedSSLService", check=path_reason),
    "query_path": Option("str", "Path of the query service.", default="/kb/ws/v1/GASService", check=path_reason),
    "user_name": Option("str", "User of the API, as PAR12345_name.", required=True),
    "password": Option("str", "The user's password.", secret=True, required=True),
    "profile_name": Option(
        "str", "Organisation or id of the MSSL profile, where a request names none.", default="", most=200
    ),
    "certificate_type": Option(
        "str", "Product that is ordered, where a request names none.", default="PV_SHA2", choices=tuple(wire.PRODUCTS)
    ),
    "lifetime_as": Option(
        "str",
        "How the lifetime is asked for: to the day, or in whole months.",
        default="dates",
        choices=("dates", "months"),
    ),
    "contact_first_name": Option("str", "First name of the contact of each order.", required=True, most=64),
    "contact_last_name": Option("str", "Last name of the contact of each order.", required=True, most=64),
    "contact_phone": Option("str", "Telephone number of the contact.", required=True, most=30),
    "contact_email": Option("str", "E-mail address of the contact.", required=True, most=255),
}
