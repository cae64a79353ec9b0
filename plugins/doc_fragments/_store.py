# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The common options in words; the table itself is C(_glue/options.py)."""

from __future__ import annotations


class ModuleDocFragment:
    """Where the store is and who acts; without C(env) for modules, with it for plugins."""

    DOCUMENTATION = r"""
options:
  store:
    description:
      - URL of the store, as V(sqlite:////var/lib/edgecert/clm.db) or V(postgresql://user@host/database).
      - Left out, the environment variable E(EDGECERT_STORE) is used, else an SQLite file in the user's data directory
        (C($XDG_DATA_HOME/edgecert/clm.db), which usually is C(~/.local/share/edgecert/clm.db)), made at first use.
      - An SQLite store serves one machine. Use PostgreSQL for AWX and wherever jobs run on several machines. In a job's
        container, as of AWX or ansible-navigator, an SQLite store that would be gone with it is refused.
      - A password in the URL is masked in results.
    type: str
  store_key:
    description:
      - Key that the secrets in the store are sealed with.
      - Left out, the environment variable E(EDGECERT_STORE_KEY) is used. An SQLite store without any key makes a key
        file of its own beside itself. A PostgreSQL store needs this option or O(store_key_file).
    type: str
  store_key_file:
    description:
      - File that holds the key, instead of O(store_key).
      - Left out, the environment variable E(EDGECERT_STORE_KEY_FILE) is used.
    type: path
  actor:
    description:
      - Who acts, for the audit and the conditions of requests and work orders.
      - Left out, the environment variable E(EDGECERT_ACTOR) is used, then E(AWX_USER_NAME) and E(TOWER_USER_NAME),
        else the login name of the process.
      - It is a claim of whoever writes the playbook or sets the environment, not a proof. In AWX set it for all
        modules to V({{ awx_user_name }}) with C(module_defaults), in a place that playbook authors cannot change.
    type: str
"""

    PLUGIN = r"""
options:
  store:
    description:
      - URL of the store, as V(sqlite:////var/lib/edgecert/clm.db) or V(postgresql://user@host/database).
      - The default is an SQLite file in the user's data directory.
    type: str
    env:
      - name: EDGECERT_STORE
  store_key:
    description:
      - Key that the secrets in the store are sealed with.
    type: str
    env:
      - name: EDGECERT_STORE_KEY
  store_key_file:
    description:
      - File that holds the key, instead of O(store_key).
    type: path
    env:
      - name: EDGECERT_STORE_KEY_FILE
"""
