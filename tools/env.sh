# shellcheck shell=bash
# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What every script here wants of its environment: sourced, from any folder. Sets $top.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$top" || exit 1
export LC_ALL=C.UTF-8
# pyenv's shims answer to names that they cannot run, which breaks ansible-test; its interpreters are found by find-python.
PATH=$(printf %s "$PATH" | tr : '\n' | grep -v '/shims$' | paste -sd: -)
export PATH
unset PYTHONHOME PYTHONPATH
