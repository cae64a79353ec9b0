# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that people name are read, and nothing that only looks like one (E7, E18)."""

from __future__ import annotations

import os
import pathlib
from unittest import mock

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core import files


def test_a_file_is_read_also_by_a_link_and_one_byte_more_tells_that_it_is_larger(tmp_path: pathlib.Path) -> None:
    (tmp_path / "order.txt").write_bytes(b"as agreed")
    (tmp_path / "link").symlink_to(tmp_path / "order.txt")
    assert files.read_plain(str(tmp_path / "link"), 20) == b"as agreed"
    assert files.read_plain(str(tmp_path / "order.txt"), 4) == b"as ag"
    with pytest.raises(OSError):
        files.read_plain(str(tmp_path / "nothing"), 20)


@pytest.mark.parametrize("target", ["/proc/self/environ", "/sys/kernel/uevent_seqnum", "/dev/zero", "/tmp"])
def test_what_a_kernel_shows_is_no_file_by_whatever_link(tmp_path: pathlib.Path, target: str) -> None:
    """The environment of the module holds the store's key and password, and would be kept with the certificate."""
    (tmp_path / "link").symlink_to(target)
    if not os.path.exists(target):
        pytest.skip(f"this kernel has no {target}")
    with pytest.raises(files.NoPlainFile):
        files.read_plain(str(tmp_path / "link"), 20)


def test_it_is_none_where_it_is_mounted_elsewhere_either() -> None:
    """By the device it is on, whatever it is called."""
    if not os.path.ismount("/proc"):
        pytest.skip("this system has no /proc")
    with mock.patch.object(files, "_KERNEL", ()), pytest.raises(files.NoPlainFile):
        files.read_plain("/proc/self/environ", 20)


def test_a_pipe_is_not_waited_for(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(files.NoPlainFile):
        files.read_plain(str(tmp_path / "pipe"), 20)
