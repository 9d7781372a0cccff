"""Running what should not run: dropped files, programs that give rights, anything at all in the executor."""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import shutil
import sys

from escape.attempts.core import KILLED, Given, Nothing, attempt, call, call_number, home, path

_LOADER = "/lib64/ld-linux-x86-64.so.2"
_INSIDE_ONLY = "what runs so is in the sandbox like everything else; a list of permitted programs is no boundary"


def _dropped(source: str) -> str:
    """A copy of a program where we may write."""
    return shutil.copy(source, os.path.join(home(), f"dropped-{os.getpid()}"))


def _run(program: str, *argv: str) -> None:
    """Become ``program``. If all is well it ends with status 0, which is the harm done."""
    os.execv(program, [program, *argv])


@attempt("a downloaded program runs", layer="landlock", app="EACCES", executor="EPERM")
def run_dropped_program(_given: Given) -> object:
    """Start a program that was written to the home."""
    return _run(_dropped("/bin/true"))


@attempt("a downloaded program runs", layer="landlock", app="EACCES", executor="EPERM")
def run_dropped_script(_given: Given) -> object:
    """Start a script with an interpreter line, written to the home."""
    name = os.path.join(home(), f"script-{os.getpid()}")
    with open(name, "w") as stream:
        stream.write("#!/bin/sh\nexit 0\n")
    os.chmod(name, 0o755)
    return _run(name)


@attempt("a downloaded program runs", layer="landlock", app="EACCES", executor="EPERM")
def run_dropped_program_by_descriptor(_given: Given) -> object:
    """Start a dropped program by an open descriptor instead of its name."""
    fd = os.open(_dropped("/bin/true"), os.O_RDONLY)
    os.execve(fd, ["true"], {})
    return None


@attempt("a downloaded program runs", layer="landlock", app="EACCES", executor="EPERM")
def run_dropped_program_in_shm(_given: Given) -> object:
    """Start a dropped program from /dev/shm."""
    name = shutil.copy("/bin/true", f"/dev/shm/dropped-{os.getpid()}")
    try:
        pid = os.posix_spawn(name, [name], {})
    finally:
        os.unlink(name)
    return os.waitpid(pid, 0)


@attempt("a downloaded program runs", app="ok", accepted=_INSIDE_ONLY)
def run_from_memory(_given: Given) -> object:
    """Start a program from a memfd."""
    fd = os.memfd_create("program")
    with open("/bin/true", "rb") as stream:
        os.write(fd, stream.read())
    os.execve(fd, ["true"], {})
    return None


@attempt("a downloaded program runs", app="ok", accepted=_INSIDE_ONLY)
def run_by_the_loader(_given: Given) -> object:
    """Let the dynamic loader load a dropped program."""
    return _run(_LOADER, _dropped("/bin/true"))


@attempt("downloaded code runs", app="ok", accepted="interpreters read scripts as they read any file; see memfd")
def run_by_interpreter(_given: Given) -> object:
    """Give a dropped script to an interpreter."""
    name = os.path.join(home(), "script.py")
    with open(name, "w") as stream:
        stream.write("raise SystemExit(0)\n")
    return _run(sys.executable, "-S", name)


@attempt(
    "downloaded code runs",
    layer="executor's filter",
    app="ok",
    executor="EPERM",
    accepted="mapping a file executable is what every library load does; see memfd",
)
def load_dropped_library(_given: Given) -> object:
    """Load a dropped shared library into this process."""
    with open("/proc/self/maps") as maps:
        source = next(line.split()[-1] for line in maps if "/libc.so" in line or "/libc-" in line)
    name = shutil.copy(source, os.path.join(home(), f"library-{os.getpid()}.so"))
    with open(name, "rb") as stream:
        return mmap.mmap(stream.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)


@attempt("an application becomes root", layer="no_new_privs", app="nothing", executor="EPERM")
def run_setuid_program(given: Given) -> object:
    """Start a set-user-id-root program that lies in a shared directory."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(write_end, 1)
        _run(path(given, "setuid_id"), "-u")
    os.waitpid(pid, 0)
    if os.read(read_end, 8).strip() != b"0":
        raise Nothing
    return None


@attempt("a hijacked executor starts programs", layer="executor's filter", executor=KILLED)
def execute(_given: Given) -> object:
    """Start a program of the system with execve."""
    return _run("/bin/true")


@attempt("a hijacked executor starts programs", layer="executor's filter", executor=KILLED)
def execute_at(given: Given) -> object:
    """Start a program of the system with execveat."""
    argv = (ctypes.c_char_p * 2)(b"true", None)
    return call(given, "execveat", -100, b"/bin/true", argv, (ctypes.c_char_p * 1)(None), 0)


@attempt("a hijacked executor multiplies", layer="executor's filter", executor="EPERM")
def fork_executor(_given: Given) -> object:
    """Fork."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return os.waitpid(pid, 0)


@attempt("a hijacked executor multiplies", layer="executor's filter", executor="EPERM")
def spawn_from_executor(_given: Given) -> object:
    """Start a program with posix_spawn, which uses clone with its own flags."""
    pid = os.posix_spawn("/bin/true", ["true"], {})
    return os.waitpid(pid, 0)


@attempt("a hijacked executor multiplies", layer="executor's filter", executor="EPERM")
def clone_executor(given: Given) -> object:
    """A bare clone with SIGCHLD."""
    pid = call(given, "clone", 17, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    return os.waitpid(pid, 0)


@attempt("the filter for one kind of call is passed by another", layer="seccomp", blocked=KILLED, executor="EPERM")
def int80_call(_given: Given) -> object:
    """Make a 32-bit system call by int 0x80."""
    assert platform.machine() == "x86_64"
    page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, getpid; int 0x80; ret
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    assert ctypes.CFUNCTYPE(ctypes.c_int)(address)() == os.getpid()
    return None


@attempt("the filter for one kind of call is passed by another", layer="seccomp", blocked=f"{KILLED}|ENOSYS", instead=(
    "ENOSYS|ok", "few kernels are built with x32; without it the number is unknown, and the filter's kill is what differs"
))  # fmt: skip
def x32_call(_given: Given) -> object:
    """Make a system call by its x32 number."""
    return call_number(0x40000000 | 39)
