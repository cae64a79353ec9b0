# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is masked in a module's result, its repeated arguments among them, and what users may read there.

Ansible masks every value of a ``no_log`` option; of some options that is too much, and private keys stand in others.
"""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from .._core.masks import key_pieces, leaves, maskable
from .options import MIXED_OPTIONS, URL_OPTIONS


def settle_masks(module: AnsibleModule) -> None:
    """Unmask what users need to read of the module's ``no_log`` options, and mask private keys wherever they stand."""
    params, spec = module.params, module.argument_spec
    partly = {*URL_OPTIONS, *MIXED_OPTIONS}
    urls = [params[name] for name in URL_OPTIONS if params.get(name)]
    shown = {text for name in MIXED_OPTIONS for text in leaves(params.get(name))}
    hidden = {
        text
        for name, entry in spec.items()
        if entry.get("no_log") and name not in partly
        for text in leaves(params.get(name))
    }
    module.no_log_values.difference_update(urls, shown)
    module.no_log_values.update(hidden, maskable(urls), key_pieces(params))
