"""What lies in deploy/ is what its tools and ours understand: Dockerfile, compose file, manifests, and the options they give."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from edgeagent.cli.cloud import serve

kubernetes_validate = pytest.importorskip("kubernetes_validate")
ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CUSTOM = {"ray.io/v1": {"RayCluster"}, "extensions.agents.x-k8s.io/v1beta1": {"SandboxTemplate", "SandboxWarmPool"}}


def manifests() -> list[dict[str, Any]]:
    paths = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    return [one for path in paths for one in YAML(typ="safe").load_all(path) if one]


def stack() -> dict[str, Any]:
    return YAML(typ="safe").load(DEPLOY / "compose.yaml")


def pods() -> dict[str, dict[str, Any]]:
    """The pods that custom resources make, as resources of Kubernetes' own."""
    told: dict[str, dict[str, Any]] = {}
    for one in manifests():
        spec = one["spec"] if one["kind"] in ("RayCluster", "SandboxTemplate") else {}
        template = spec.get("headGroupSpec", {}).get("template") or spec.get("podTemplate")
        if template:
            told[one["metadata"]["name"]] = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {"name": "one"}}
    return told


def test_the_dockerfile_is_clean() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    told = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, timeout=60)
    assert (told.returncode, told.stdout) == (0, "")


def test_the_dockerfile_copies_what_is_there() -> None:
    kept = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / name).exists() for name in kept)
    names = re.search(r"for name in ([a-z ]+);", (DEPLOY / "Dockerfile").read_text())
    assert names is not None
    assert all((ROOT / "requirements" / f"{name}.txt").exists() for name in names[1].split())
    setup = re.search(r"RUN_PACKAGES=\((.*)\)", (ROOT / "scripts" / "setup.sh").read_text())
    assert setup is not None
    assert set(setup[1].split()) <= set((DEPLOY / "Dockerfile").read_text().split()), "what a sandbox needs"


def test_each_manifest_is_as_kubernetes_describes_it() -> None:
    for one in manifests():
        if one["kind"] not in CUSTOM.get(one["apiVersion"], ()):
            kubernetes_validate.validate(one, "1.34", strict=True)


@pytest.mark.parametrize("name", ["edgeagent", "desktop"])
def test_each_pod_of_a_custom_resource_is_as_kubernetes_describes_it(name: str) -> None:
    kubernetes_validate.validate(pods()[name], "1.34", strict=True)
    wrong = pods()[name]
    wrong["spec"]["containers"][0]["imagee"] = "x"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.34", strict=True)


def test_what_a_manifest_names_is_there() -> None:
    by_kind: dict[str, set[str]] = {}
    for one in manifests():
        by_kind.setdefault(one["kind"], set()).add(one["metadata"]["name"])
    for pod in pods().values():
        for volume in pod["spec"]["volumes"]:
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            assert claim is None or claim in by_kind["PersistentVolumeClaim"]
        mounted = {mount["name"] for one in pod["spec"]["containers"] for mount in one["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}
    [pool] = [one for one in manifests() if one["kind"] == "SandboxWarmPool"]
    assert pool["spec"]["sandboxTemplateRef"]["name"] in by_kind["SandboxTemplate"]


def test_what_the_compose_file_names_is_there() -> None:
    told = stack()
    for service in told["services"].values():
        assert set(service["networks"]) <= set(told["networks"])
        assert set(service.get("depends_on", ())) <= set(told["services"])
        assert {one["source"] for one in service.get("configs", ())} <= set(told["configs"])
        named = {one.split(":")[0] for one in service.get("volumes", ()) if not one.startswith(".")}
        assert named <= set(told["volumes"])
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    assert asked == {line.split("=")[0] for line in (DEPLOY / "example.env").read_text().split()}


def test_the_backend_is_started_with_options_that_it_has() -> None:
    known = {name for parameter in serve.params for name in parameter.opts}
    in_pod = next(one for one in pods()["edgeagent"]["spec"]["containers"] if one["name"] == "backend")
    for arguments in (stack()["services"]["backend"]["command"][3:], in_pod["args"]):
        assert {one.split("=")[0] for one in arguments} <= known
        assert any(one.startswith("--tls-cert=") for one in arguments)


def test_the_ray_that_is_named_is_the_one_that_is_installed() -> None:
    [cluster] = [one for one in manifests() if one["kind"] == "RayCluster"]
    assert f'ray = ["ray=={cluster["spec"]["rayVersion"]}"]' in (ROOT / "pyproject.toml").read_text()
