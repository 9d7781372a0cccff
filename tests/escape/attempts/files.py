"""Files of the host: reading, writing, leaving something behind that does harm there."""

from __future__ import annotations

import ctypes
import os
import stat

from escape.attempts.core import Given, Nothing, attempt, call, checked, home, path

_libc = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD = -100


def read(name: str) -> bytes:
    fd = os.open(name, os.O_RDONLY)
    try:
        return os.read(fd, 16)
    finally:
        os.close(fd)


def open_to_write(name: str) -> None:
    """Nothing is written: that it could be is the harm."""
    os.close(os.open(name, os.O_WRONLY | os.O_APPEND))


def create(name: str) -> None:
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    os.unlink(name)


@attempt("the user's documents are read", layer="mounts", blocked="ENOENT")
def read_host_secret(given: Given) -> object:
    """Open a file of the user by its absolute path."""
    return read(path(given, "secret"))


@attempt("password hashes are read", layer="mounts", blocked="ENOENT", control="root")
def read_shadow(_given: Given) -> object:
    """Open /etc/shadow."""
    return read("/etc/shadow")


@attempt("the user's documents are read", layer="mounts", blocked="ENOENT", executor="EPERM")
def follow_symlink_out(given: Given) -> object:
    """Read through a symlink, made in the home, that names a file of the host."""
    link = os.path.join(home(), "link-out")
    os.symlink(path(given, "secret"), link)
    try:
        return read(link)
    finally:
        os.unlink(link)


@attempt("a file of the user's is taken into the home", layer="mounts", blocked="ENOENT", executor="EPERM")
def hard_link_in(given: Given) -> object:
    """Make a second name, in the home, for a file of the host."""
    name = os.path.join(home(), "linked")
    os.link(path(given, "secret"), name)
    os.unlink(name)
    return None


@attempt("the user's documents are read", layer="mounts", blocked="ENOENT")
def dotdot_above_root(given: Given) -> object:
    """Climb above the root directory with a chain of .. from a descriptor of it."""
    root = os.open("/", os.O_PATH | os.O_DIRECTORY)
    fd = os.open("../" * 40 + path(given, "secret").lstrip("/"), os.O_RDONLY, dir_fd=root)
    return os.read(fd, 1)


@attempt("programs of the system are replaced", layer="mounts", blocked="EROFS|EACCES", executor="EPERM", control="root")
def write_usr(_given: Given) -> object:
    """Create a file in /usr."""
    return create("/usr/edgeagent-escape")


@attempt("accounts are added", layer="mounts", blocked="EROFS|EACCES", executor="EPERM", control="root")
def write_accounts(_given: Given) -> object:
    """Open /etc/passwd for writing."""
    return open_to_write("/etc/passwd")


@attempt("places outside of the home are filled", layer="mounts", blocked="EROFS|EACCES", executor="EPERM", control="root")
def write_root_directory(_given: Given) -> object:
    """Create a file in the root directory."""
    return create("/edgeagent-escape")


@attempt(
    "the next sandbox runs code of the agent's as process 1",
    layer="mounts",
    blocked="EROFS|EACCES",
    executor="EPERM",
    control="root",
)
def write_own_runtime(given: Given) -> object:
    """Open the module that runs as process 1 for writing."""
    inside = "/opt/edgeagent/lib/edgeagent_harness/inside/init.py"
    return open_to_write(inside if os.path.exists(inside) else path(given, "runtime_module"))


@attempt(
    "the interpreter that the host uses is changed",
    layer="mounts",
    blocked="EROFS|EACCES|ETXTBSY",
    executor="EPERM",
    control="root",
)
def write_interpreter(_given: Given) -> object:
    """Open a module of the interpreter's library, which the host runs too, for writing."""
    return open_to_write(os.path.realpath(os.__file__))


@attempt("mounts are taken away or made writable", layer="seccomp", blocked="EPERM", control="root")
def remount_writable(_given: Given) -> object:
    """Remount /usr writable (here: a bind mount of it)."""
    if os.geteuid() == 0:
        checked(_libc.mount(b"/usr", b"/usr", None, ctypes.c_ulong(0x1000), None))
    return checked(_libc.mount(b"none", b"/usr", None, ctypes.c_ulong(0x20 | 0x1000), None))


@attempt("what a mount covers comes to light", layer="seccomp", blocked="EPERM", control="root")
def unmount_cover(_given: Given) -> object:
    """Detach /proc, and with it the covers of its dangerous parts."""
    return checked(_libc.umount2(b"/proc", 2))


@attempt("the disk is read past its file system", layer="mounts", blocked="ENOENT", control="root", instead=(
    "ok|EPERM|ENXIO", "in a container the disk can be closed to root as well; inside its node is not even there"
))  # fmt: skip
def open_block_device(given: Given) -> object:
    """Open the disk that the root directory lies on."""
    return read(path(given, "block_device"))


@attempt("the machine's devices are reached", layer="seccomp", blocked="EPERM", control="root")
def make_block_device(_given: Given) -> object:
    """Make a node for the disk in the home."""
    device = os.makedev(254, 0)
    name = os.path.join(home(), "disk")
    os.mknod(name, stat.S_IFBLK | 0o600, device)
    os.unlink(name)
    return None


@attempt("the machine's devices are reached", layer="seccomp", blocked="EPERM", control="root")
def make_character_device(_given: Given) -> object:
    """Make a node for /dev/mem in the home."""
    name = os.path.join(home(), "mem")
    os.mknod(name, stat.S_IFCHR | 0o600, os.makedev(1, 1))
    os.unlink(name)
    return None


@attempt("devices such as disks, cameras or GPUs are there", layer="mounts", blocked="nothing", control="root")
def find_devices(_given: Given) -> object:
    """Look in /dev for anything beyond the harmless."""
    harmless = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}
    for name in os.listdir("/dev"):
        mode = os.lstat(os.path.join("/dev", name)).st_mode
        if (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)) and name not in harmless:
            return name
    raise Nothing


@attempt("files are opened past all mounts", layer="seccomp", blocked="EPERM", control="root")
def handle_of_file(given: Given) -> object:
    """Ask for a file handle, which names an inode whatever is mounted."""
    handle = (ctypes.c_uint * 34)(128)
    mount_id = ctypes.c_int()
    return call(given, "name_to_handle_at", _AT_FDCWD, b"/usr", handle, ctypes.byref(mount_id), 0)


@attempt("files are opened past all mounts", layer="seccomp", blocked="EPERM", control="root")
def open_by_handle(given: Given) -> object:
    """Open an inode by a handle (the shocker attack on containers)."""
    handle = (ctypes.c_uint * 34)(8, 1, 2, 0)
    mount_id = ctypes.c_int()
    if os.geteuid() == 0:
        handle[0] = 128
        call(given, "name_to_handle_at", _AT_FDCWD, b"/usr", handle, ctypes.byref(mount_id), 0)
    root = os.open("/usr", os.O_RDONLY)
    return call(given, "open_by_handle_at", root, handle, 0)


@attempt("the policy is read", layer="mounts", blocked="ENOENT")
def read_policy(given: Given) -> object:
    """Read the policy that this sandbox was started with."""
    return read(path(given, "policy"))


@attempt("the policy is loosened", layer="mounts", blocked="ENOENT", executor="EPERM")
def edit_policy(given: Given) -> object:
    """Open the policy for writing."""
    return open_to_write(path(given, "policy"))


@attempt("the traces are removed", layer="mounts", blocked="ENOENT", executor="EPERM")
def edit_audit(given: Given) -> object:
    """Open the audit log of the session for writing."""
    return open_to_write(path(given, "audit"))


@attempt("settings of the agent's making are read later", layer="mounts", blocked="ENOENT", executor="EPERM")
def create_missing_configuration(given: Given) -> object:
    """Create the settings file that the program looks for and does not find."""
    return create(path(given, "missing_configuration"))


@attempt(
    "settings of the agent's making are read later",
    layer="mounts",
    blocked="EROFS|EACCES|ENOENT",
    executor="EPERM",
    control="root",
)
def create_system_configuration(_given: Given) -> object:
    """Create a drop-in directory for the dynamic loader or for Python in /etc."""
    os.mkdir("/etc/edgeagent-escape")
    os.rmdir("/etc/edgeagent-escape")
    return None


@attempt("another account takes the user's rights", layer="seccomp", blocked="EPERM")
def leave_setuid_file(_given: Given) -> object:
    """Leave a set-user-id program in the home: outside it belongs to the user, and anybody can start it."""
    name = os.path.join(home(), "setuid")
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT, 0o755))
    try:
        os.chmod(name, 0o4755)
    finally:
        os.unlink(name)
    return None


@attempt("another account takes the user's rights", layer="seccomp", blocked="EPERM")
def create_setuid_file(_given: Given) -> object:
    """The same in one step: create the file with the set-group-id bit."""
    name = os.path.join(home(), "setgid")
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT, 0o2755))
    os.unlink(name)
    return None


@attempt("file capabilities give rights", layer="no capabilities", blocked="EPERM|ENOTSUP", control="root")
def set_file_capability(_given: Given) -> object:
    """Give a file in the home a capability."""
    name = os.path.join(home(), "capable")
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT, 0o755))
    try:
        os.setxattr(name, "security.capability", bytes.fromhex("0000000200200000002000000000000000000000"))
    finally:
        os.unlink(name)
    return None
