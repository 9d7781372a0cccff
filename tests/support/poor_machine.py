"""``python poor_machine.py KIND CMD...``: run CMD where the kernel gives less, as some machines and containers do.

``no-namespaces``: a user namespace with all users, in which no further one can be made (root only). ``only-root``: one in which
there is no user but root. ``container``: a filter refuses what makes namespaces and mounts. ``listened``: somebody listens to
system calls already.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import pyseccomp

from edgeagent_harness.inside import tighten
from edgeagent_harness.outside.containment import seccomp

_CLONE_NEWUSER = 0x10000000
_USERS = 70_000


def new_user_namespace(users: int) -> None:
    """Enter one whose first ``users`` are those outside; the parent process writes the map."""
    ours, theirs = os.pipe()
    ready, made = os.pipe()
    parent = os.fork()
    if parent:
        os.read(ready, 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{parent}/{name}").write_text(f"0 0 {users}\n")
        os.write(theirs, b"x")
        _, status = os.waitpid(parent, 0)
        os._exit(os.waitstatus_to_exitcode(status))
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")
    os.write(made, b"x")
    os.read(ours, 1)


def main() -> None:
    kind, *command = sys.argv[1:]
    match kind:
        case "no-namespaces":
            new_user_namespace(_USERS)
            Path("/proc/sys/user/max_user_namespaces").write_text("0")
        case "only-root":
            new_user_namespace(1)
        case "container":
            tighten.install_filter(seccomp.base_program())
        case _:
            program = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
            program.add_rule(pyseccomp.NOTIFY, "swapoff")
            os.set_inheritable(tighten.install_listener(seccomp.compile_program(program)), True)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
