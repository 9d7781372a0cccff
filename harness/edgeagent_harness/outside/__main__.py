"""``python -m edgeagent_harness.outside serve | check | exec | shell``."""

from __future__ import annotations

import argparse
import json
import socket
import sys
from dataclasses import asdict
from pathlib import Path

from edgeagent_harness.errors import EnvironmentLacks, HarnessError
from edgeagent_harness.outside import reception
from edgeagent_harness.outside.reception import NEEDS_LINUX

_EXIT_CODES = {"usage": 2, "environment": 3, "desktop_lost": 3, "violation": 5, "stopped": 130, "protocol": 3, "internal": 1}


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = _parser().parse_args(argv)
    try:
        if sys.platform != "linux" and options.run is not _serve:
            raise EnvironmentLacks(NEEDS_LINUX)
        return int(options.run(options))
    except HarnessError as error:
        print(f"edgeagent sandbox: {error}", file=sys.stderr)
        return _EXIT_CODES[error.code]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edgeagent sandbox", description="The sandboxed desktop.")
    commands = parser.add_subparsers(required=True)
    serve = commands.add_parser("serve", help="serve one app over an inherited socket")
    serve.add_argument("--fd", type=int, required=True)
    serve.set_defaults(run=_serve)
    check = commands.add_parser("check", help="which layers of containment this machine gives")
    check.add_argument("--json", action="store_true")
    check.set_defaults(run=_check)
    judge = commands.add_parser("check-policy", help="whether this machine can honour the policy on standard input")
    judge.add_argument("name", help="what errors call it")
    judge.set_defaults(run=_check_policy)
    execute = commands.add_parser("exec", help="run a command inside as an application would run")
    shell = commands.add_parser("shell", help="look around inside")
    for one in (execute, shell):
        one.add_argument("--policy", default="", help="locked, web, offline, or a policy file (YAML)")
        one.add_argument("--offline", action="store_true", help="refuse a policy that permits egress")
        one.add_argument("--home", type=Path, help="host directory that becomes the sandbox's home")
        one.add_argument("--audit", type=Path, help="append to this audit log")
        one.set_defaults(run=_execute, command=["/bin/bash"] if one is shell else None)
    execute.add_argument("command", nargs="+", metavar="CMD")
    return parser


def _serve(options: argparse.Namespace) -> int:
    return reception.serve(socket.socket(fileno=options.fd))


def _check(options: argparse.Namespace) -> int:
    from edgeagent_harness.outside.containment import layers  # here and below: what a machine lacks may show on import

    found = layers.check()
    complete = all(layer.present for layer in found if layer.required)
    if options.json:
        print(json.dumps({"ok": complete, "layers": [asdict(layer) for layer in found]}, indent=2))
    else:
        for layer in found:
            print(f"{'yes' if layer.present else 'NO '} {layer.name}: {layer.detail}")
            if not layer.present and layer.mend:
                print(f"    {layer.mend}")
    return 0 if complete else 3


def _check_policy(options: argparse.Namespace) -> int:
    from edgeagent_harness.outside.containment import policy_check, runtime
    from edgeagent_harness.policy.parse import parse

    policy = parse(sys.stdin.read(), options.name)
    policy_check.check(policy, options.name, runtime.find().host_paths)
    return 0


def _execute(options: argparse.Namespace) -> int:
    from edgeagent_harness.outside import session

    home = str(options.home.absolute()) if options.home else ""
    return session.execute(options.command, home, options.policy, options.audit, options.offline)


if __name__ == "__main__":
    sys.exit(main())
