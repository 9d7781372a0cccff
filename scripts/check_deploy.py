"""Checks ``deploy/`` against the schemas of what it is written for: ``scripts/check_deploy.py --schemas DIR``.

DIR holds ``compose-spec.json`` of the Compose specification and, as YAML, the custom resource definitions of KubeRay and
agent-sandbox, as their projects publish them. What Kubernetes itself defines is checked by a test, without them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema.validators import Draft202012Validator, validator_for
from ruamel.yaml import YAML

DEPLOY = Path(__file__).parents[1] / "deploy"
NATIVE = ("v1", "apps/v1", "networking.k8s.io/v1")
"""Kubernetes' own."""
Document = dict[str, Any]


def documents(path: Path) -> list[Document]:
    """Of a YAML file."""
    return [one for one in YAML(typ="safe").load_all(path) if one]


def manifests() -> Iterator[tuple[str, Document]]:
    """(file's name, resource)"""
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        yield from ((path.name, one) for one in documents(path))


def pod_templates(found: Any, where: str = "") -> Iterator[tuple[str, Document]]:
    """What is within a resource of whatever kind and makes pods."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key in ("template", "podTemplate") and isinstance(value, dict) and "spec" in value:
                yield f"{where}.{key}", value
            else:
                yield from pod_templates(value, f"{where}.{key}")
    elif isinstance(found, list):
        for number, value in enumerate(found):
            yield from pod_templates(value, f"{where}[{number}]")


def definitions(schemas: Path) -> dict[tuple[str, str], Document]:
    """(apiVersion, kind) -> schema, of all custom resources in ``schemas``."""
    told: dict[tuple[str, str], Document] = {}
    for path in schemas.glob("*.yaml"):
        for one in documents(path):
            spec = one["spec"]
            for version in spec["versions"]:
                told[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = _strict(version["schema"]["openAPIV3Schema"])
    return told


def _strict(schema: Any) -> Any:
    """As the API server does with strict field validation: a field that is not described is an error."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: _strict(value) for key, value in schema.items()}
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not open_ended:
        told["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        told.pop("type", None)
    return told


def problems(schemas: Path) -> Iterator[str]:
    """What is not as the schemas say; also a resource that has none."""
    compose = json.loads((schemas / "compose-spec.json").read_text())
    [stack] = documents(DEPLOY / "compose.yaml")
    yield from _of("compose.yaml", stack, compose)
    known = definitions(schemas)
    for name, resource in manifests():
        kind = resource["apiVersion"], resource["kind"]
        if kind in known:
            schema = known[kind]
            schema["properties"]["metadata"].pop("additionalProperties", None)
            yield from _of(f"{name} {resource['kind']}", resource, schema)
        elif kind[0] not in NATIVE:
            yield f"{name}: no schema of {kind}"


def _of(where: str, document: Document, schema: Document) -> Iterator[str]:
    validator = validator_for(schema, Draft202012Validator)(schema)
    for error in validator.iter_errors(document):
        yield f"{where}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--schemas", type=Path, required=True)
    found = list(problems(parser.parse_args().schemas))
    print("\n".join(found) or "all as their schemas say")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
