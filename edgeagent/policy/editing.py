"""Adds an endpoint to a policy file for good: comments and layout stay, and the file is only ever whole.

The library that keeps comments reads YAML 1.2, our parser reads 1.1 strictly: the result is judged by ours before it is written.
"""

from __future__ import annotations

import dataclasses
import io
import os
import tempfile
from pathlib import Path

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from edgeagent.errors import UsageError
from edgeagent.policy.loading import read_policy
from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.policy.files import read_file
from edgeagent_harness.policy.types import Endpoint

_WIDE = 4096
"""Characters: lines are never folded."""


def add_endpoint(path: Path, endpoint: Endpoint) -> bool:
    """Add ``endpoint`` to the policy file ``path``; False if it was there. Raises `UsageError`."""
    try:
        text = read_file(path)
    except UsageProblem as problem:
        raise UsageError(str(problem)) from problem
    before = read_policy(text, str(path))
    if before.egress.mode != "allowlist":
        mend = "write mode: allowlist in it first, or start from `edgeagent policy show web`"
        raise UsageError(f"{path}: network.egress.mode is {before.egress.mode!r}, which permits no endpoints", mend)
    if endpoint in before.egress.endpoints:
        return False
    edited = _with_endpoint(text, endpoint)
    after = read_policy(edited, str(path)) if edited else before
    expected = dataclasses.replace(before.egress, endpoints=(*before.egress.endpoints, endpoint))
    if after != dataclasses.replace(before, egress=expected):
        line = f"- {{host: {endpoint.host!r}, port: {endpoint.port}}}"
        raise UsageError(f"{path} cannot be edited without changing more than that", f"add to network.egress.endpoints: {line}")
    replace_text(path, edited)
    return True


def _with_endpoint(text: str, endpoint: Endpoint) -> str:
    """``text`` with ``endpoint`` at the end of its list; empty if it is of a shape that we do not edit."""
    try:
        yaml = YAML()
        yaml.preserve_quotes = True
        yaml.width = _WIDE
        top = yaml.load(text)
        _keep_layout(yaml, top["network"])
        endpoints = top["network"]["egress"].setdefault("endpoints", CommentedSeq())
        item = CommentedMap(host=endpoint.host, port=endpoint.port)
        item.fa.set_flow_style()
        endpoints.append(item)
        stream = io.StringIO()
        yaml.dump(top, stream)
    except (YAMLError, KeyError, AttributeError, TypeError):
        return ""
    return stream.getvalue()


def _keep_layout(yaml: YAML, network: CommentedMap) -> None:
    """Have ``yaml`` indent as the file does, as far as ``network`` shows it; else by two."""
    egress = network["egress"]
    endpoints = egress.get("endpoints")
    mapping = 2 if network.fa.flow_style() else network.lc.col
    sequence, offset = mapping + 2, mapping
    if endpoints and not endpoints.fa.flow_style():
        sequence, offset = endpoints.lc.item(0)[1] - egress.lc.col, endpoints.lc.col - egress.lc.col
    yaml.indent(mapping=mapping, sequence=sequence, offset=offset)


def replace_text(path: Path, text: str) -> None:
    """Put ``text`` in the file's place in one step, with its mode and owner; a link stays a link."""
    real = path.resolve()
    try:
        status = real.stat()
        fd, temporary = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
        try:
            with open(fd, "w", encoding="utf-8") as stream:
                os.fchmod(stream.fileno(), status.st_mode & 0o7777)
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(stream.fileno(), status.st_uid, status.st_gid)
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, real)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
