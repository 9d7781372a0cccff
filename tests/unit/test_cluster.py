"""What can be said of Ray without it: it is an extra, and nothing is joined offline or by mistake."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from edgeagent.cli.bench import bench
from edgeagent.cli.cloud import cloud
from edgeagent.cluster import Cluster
from edgeagent.errors import EnvironmentProblem, UsageError

TASKS = ["tasks", "--tasks", "click-test", "--seeds", "0"]


def test_it_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EnvironmentProblem, match="Ray is not installed") as caught:
        Cluster("127.0.0.1:1")
    assert caught.value.hint == "pip install 'edgeagent[ray]'"


def test_an_address_goes_with_ray() -> None:
    for group, arguments in ((cloud, ["serve"]), (bench, TASKS)):
        result = CliRunner().invoke(group, [*arguments, "--ray-address", "127.0.0.1:1"])
        assert isinstance(result.exception, UsageError)
        assert str(result.exception) == "--ray-address goes with --engine ray"


def test_offline_there_is_no_cluster() -> None:
    argv = [sys.executable, "-m", "edgeagent", "bench", *TASKS, "--engine", "ray"]
    environment = os.environ | {"EDGEAGENT_OFFLINE": "1"}
    told = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 3
    assert "a Ray cluster needs the network, and this is offline mode" in told.stderr
