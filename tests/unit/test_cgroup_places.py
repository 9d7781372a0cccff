"""Where control groups can be made is read rightly from version 1, version 2, both, and parts of a hierarchy in containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeagent_harness.outside.containment import cgroups
from edgeagent_harness.outside.containment.cgroups import Place

V1 = """\
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime shared:5 - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
"""
V2 = "25 20 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_version_1_has_a_place_for_each_controller() -> None:
    own = "4:memory:/a/b\n3:cpu,cpuacct:/\n2:pids:/user\n1:name=systemd:/\n0::/\n"
    assert cgroups.places(own, V1) == [
        Place((Path("/sys/fs/cgroup/cpu"),), 1, ("cpu",)),
        Place((Path("/sys/fs/cgroup/memory/a/b"),), 1, ("memory",)),
        Place((Path("/sys/fs/cgroup/pids/user"),), 1, ("pids",)),
    ]


def test_version_2_tries_its_own_group_then_a_neighbour() -> None:
    own = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope\n"
    slice_ = Path("/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice")
    assert cgroups.places(own, V2) == [Place((slice_ / "a.scope", slice_), 2, ("memory", "pids", "cpu"))]


def test_both_versions_share_the_controllers_out() -> None:
    own = "1:memory:/\n0::/\n"
    found = cgroups.places(own, V1.splitlines()[1] + "\n" + V2)
    assert found == [
        Place((Path("/sys/fs/cgroup/memory"),), 1, ("memory",)),
        Place((Path("/sys/fs/cgroup"),), 2, ("pids", "cpu")),
    ]


def test_a_container_sees_a_part_of_the_hierarchy() -> None:
    mounts = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro,relatime - cgroup cgroup rw,memory\n"
    assert cgroups.places("4:memory:/docker/abc/x\n", mounts) == [Place((Path("/sys/fs/cgroup/memory/x"),), 1, ("memory",))]


@pytest.mark.parametrize("own", ["", "0::/\n", "1:name=systemd:/\n"])
def test_a_machine_without_groups_has_no_place(own: str) -> None:
    assert cgroups.places(own, "22 20 0:5 / /proc rw - proc proc rw\n") == []
