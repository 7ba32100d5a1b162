"""What a hostile check would try. Runs inside; prints `{"attempt": "" or why it was refused}`.

A script of its own, on the standard library: whoever is contained reads it from the work tree.
Its only argument is a JSON document that says where everything is.
"""

import contextlib
import ctypes
import errno
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
WHERE = json.loads(sys.argv[1])
ADD_KEY, KEYCTL, PROCESS_VM_READV = (
    (248, 250, 310) if os.uname().machine == "x86_64" else (217, 219, 270)
)
PIDFD_GETFD = 438
AF_VSOCK, IPPROTO_MPTCP, MSG_FASTOPEN = 40, 262, 0x20000000


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def syscall(number, *args):
    wide = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    return check(LIBC.syscall(ctypes.c_long(number), *wide))


# Our processes: their environment, memory and files.


def read_of(pid, name):
    with open(f"/proc/{pid}/{name}", "rb") as stream:
        data = stream.read(1 << 16)
    if name == "environ" and WHERE["canary"].encode() not in data:
        raise OSError("it does not hold the canary")


def read_memory(pid):
    with open(f"/proc/{pid}/maps") as stream:
        start = int(stream.readline().split("-")[0], 16)
    with open(f"/proc/{pid}/mem", "rb", 0) as stream:
        stream.seek(start)
        stream.read(16)


def list_descriptors(pid):
    for name in os.listdir(f"/proc/{pid}/fd"):
        os.readlink(f"/proc/{pid}/fd/{name}")


def attach(pid):
    check(LIBC.ptrace(16, pid, None, None))  # PTRACE_ATTACH
    os.waitpid(pid, 0)
    LIBC.ptrace(17, pid, None, None)


def read_remotely(pid):
    buffer = ctypes.create_string_buffer(8)
    local = struct.pack("QQ", ctypes.addressof(buffer), 8)
    remote = struct.pack("QQ", 4096, 8)
    try:
        syscall(PROCESS_VM_READV, pid, local, 1, remote, 1, 0)
    except OSError as error:
        # Nothing is mapped there: to be told so is to have been let in.
        if error.errno != errno.EFAULT:
            raise


def take_descriptor(pid):
    process = os.pidfd_open(pid)
    try:
        os.close(syscall(PIDFD_GETFD, process, 0, 0))
    finally:
        os.close(process)


def lower_limit(pid):
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


# Files outside the work tree.


def read(name):
    with open(WHERE[name], "rb") as stream:
        stream.read(1)


def write(name):
    with open(WHERE[name], "ab") as stream:
        stream.write(b"written\n")


def create(name):
    with open(os.path.join(WHERE[name], "made"), "wb"):
        pass


def link_and_write(name):
    if os.path.lexists("linked"):
        os.unlink("linked")
    os.link(WHERE[name], "linked")
    with open("linked", "ab") as stream:
        stream.write(b"written through a link\n")


def write_through_symlink(name):
    if os.path.lexists("pointer"):
        os.unlink("pointer")
    os.symlink(WHERE[name], "pointer")
    with open("pointer", "ab") as stream:
        stream.write(b"written\n")


def set_attribute(name):
    os.setxattr(WHERE[name], "user.attempt", b"1")


def move_in(name):
    os.rename(WHERE[name], "moved")
    os.rename("moved", WHERE[name])


def swap_git():
    os.rename(".git", "git-was-here")
    os.rename("git-was-here", ".git")


def mount_here():
    os.makedirs("mounted", exist_ok=True)
    check(LIBC.mount(b"tmpfs", b"mounted", b"tmpfs", 0, None))
    check(LIBC.umount2(b"mounted", 2))


def write_kernel_setting():
    with open("/proc/sys/kernel/core_pattern", "r+") as stream:
        now = stream.read()
        stream.seek(0)
        stream.write(now)


def see_other_processes():
    with open(f"/proc/{WHERE['parent']}/cmdline", "rb") as stream:
        if not stream.read():
            raise OSError("empty")


# Sockets.


def connect(family, address, protocol=0, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind, protocol) as sock:
        sock.settimeout(2)
        sock.connect(address)


def send_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(WHERE["word"].encode(), tuple(WHERE["udp"]))


def send_fast_open():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(2)
        with contextlib.suppress(BlockingIOError):
            sock.sendto(b"x", MSG_FASTOPEN, tuple(WHERE["tcp"]))
        select.select([], [sock], [], 2)
        if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))


def send_from_pair():
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with left, right:
        left.sendto(WHERE["word"].encode(), WHERE["unix_datagram"])


def open_socket(family, kind, protocol=0):
    socket.socket(family, kind, protocol).close()


def serve_loopback(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as server:
        server.bind((address, 0))
        server.listen()
        with socket.create_connection(server.getsockname()[:2], timeout=2):
            pass


def open_io_uring():
    os.close(syscall(425, 1, ctypes.create_string_buffer(120)))


# Privileges.


def read_session_key():
    number = syscall(KEYCTL, 10, -3, b"user", b"session-canary", 0)  # search
    syscall(KEYCTL, 11, number, ctypes.create_string_buffer(64), 64)  # read


def add_key():
    syscall(ADD_KEY, b"user", b"mine", b"x", 1, -2)  # to the process's own


def unshare_user():
    child = os.fork()
    if child == 0:
        os._exit(LIBC.unshare(0x10000000) != 0)
    if os.waitpid(child, 0)[1]:
        raise PermissionError(1, "refused")


def has_capability():
    if not int(status("CapEff"), 16) | int(status("CapPrm"), 16) | int(status("CapInh"), 16):
        raise OSError("none")


def may_gain_privileges():
    if status("NoNewPrivs") == "1":
        raise OSError("no new privileges")


def status(name):
    with open("/proc/self/status") as stream:
        return dict(line.split(":\t", 1) for line in stream if ":\t" in line)[name].strip()


def find_open_descriptors():
    more = [name for name in os.listdir("/proc/self/fd") if int(name) > 2]
    # The folder that is listed is one of them.
    if len(more) < 2:
        raise OSError("none")


ABSTRACT = "\0" + WHERE["abstract"]
ATTEMPTS = {
    **{
        f"{what} of our {who}": (action, WHERE[who])
        for who in ("parent", "grandparent")
        for what, action in {
            "environ": lambda pid: read_of(pid, "environ"),
            "maps": lambda pid: read_of(pid, "maps"),
            "memory": read_memory,
            "descriptors": list_descriptors,
            "auxiliary vector": lambda pid: read_of(pid, "auxv"),
            "trace": attach,
            "remote read": read_remotely,
            "taking a descriptor": take_descriptor,
            "signal": lambda pid: os.kill(pid, signal.SIGCONT),
            "limits": lower_limit,
            "priority": lambda pid: os.setpriority(os.PRIO_PROCESS, pid, 1),
        }.items()
    },
    "command lines of others": (see_other_processes,),
    "inherited descriptors": (find_open_descriptors,),
    "read the key": (read, "key"),
    "read the run store": (read, "store"),
    "read another work tree": (read, "other_tree"),
    "read the runner's files": (read, "runner_file"),
    "write the key": (write, "key"),
    "write the run store": (write, "store"),
    "write another work tree": (write, "other_tree"),
    "write the toolkit's module": (write, "module"),
    "write the step's outputs": (write, "runner_file"),
    "create a file in the home": (create, "home"),
    "create a hook": (create, "hooks"),
    "write git's settings": (write, "git_config"),
    "write through a hard link": (link_and_write, "store"),
    "write through a symbolic link": (write_through_symlink, "store"),
    "move a file in": (move_in, "store"),
    "change mode": (lambda: os.chmod(WHERE["store"], 0o600),),
    "change times": (lambda: os.utime(WHERE["store"]),),
    "change owner": (lambda: os.chown(WHERE["store"], os.getuid(), os.getgid()),),
    "set an attribute": (set_attribute, "store"),
    "truncate": (lambda: os.truncate(WHERE["module"], 0),),
    "replace the tree's .git": (swap_git,),
    "read /etc/shadow": (lambda: open("/etc/shadow").close(),),
    "write a kernel setting": (write_kernel_setting,),
    "mount": (mount_here,),
    "tcp to the host": (connect, socket.AF_INET, tuple(WHERE["tcp"])),
    "tcp over IPv6 to the host": (connect, socket.AF_INET6, tuple(WHERE["tcp6"])),
    "multipath tcp to the host": (connect, socket.AF_INET, tuple(WHERE["tcp"]), IPPROTO_MPTCP),
    "tcp fast open to the host": (send_fast_open,),
    "udp to the host": (send_datagram,),
    "unix socket of the host": (connect, socket.AF_UNIX, WHERE["unix"]),
    "datagram to a unix socket": (send_from_pair,),
    "abstract socket of the host": (connect, socket.AF_UNIX, ABSTRACT),
    "vsock": (open_socket, AF_VSOCK, socket.SOCK_STREAM),
    "packet socket": (open_socket, socket.AF_PACKET, socket.SOCK_RAW, 3),
    "raw socket": (open_socket, socket.AF_INET, socket.SOCK_RAW, 1),
    "alg socket": (open_socket, socket.AF_ALG, socket.SOCK_SEQPACKET),
    "netlink audit": (open_socket, socket.AF_NETLINK, socket.SOCK_RAW, 9),
    "io_uring": (open_io_uring,),
    "loopback server": (serve_loopback, socket.AF_INET, "127.0.0.1"),
    "loopback server over IPv6": (serve_loopback, socket.AF_INET6, "::1"),
    "session key": (read_session_key,),
    "add a key": (add_key,),
    "new user namespace": (unshare_user,),
    "capabilities": (has_capability,),
    "new privileges": (may_gain_privileges,),
}


def attempt(action, *args):
    try:
        action(*args)
    except (OSError, ValueError, IndexError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    found = {name: attempt(*parts) for name, parts in ATTEMPTS.items()}
    time.sleep(0.05)
    sys.stdout.write(json.dumps(found))
