"""The system calls that a sandbox has not: a filter for the kernel, as a program that libseccomp makes."""

from __future__ import annotations

import errno
import functools
import os
from typing import Any

DENIED = {
    "into other processes": "ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd",
    "keys": "add_key request_key keyctl",
    "into the kernel": "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register "
    "init_module finit_module delete_module kexec_load kexec_file_load",
    "mounts and namespaces": "mount umount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig "
    "fsmount fspick mount_setattr unshare setns name_to_handle_at open_by_handle_at",
    "what outlives a process, and is counted nowhere": "shmget shmat shmdt shmctl semget semop semtimedop "
    "semctl msgget msgsnd msgrcv msgctl mq_open mq_unlink memfd_secret",
    "the time that others get": "ioprio_set",
}
# As on a kernel that does not know them: libraries then do without.
UNKNOWN = "clone3", "memfd_create"  # whose arguments a filter cannot see; memory that is counted nowhere
FIRST_PROCESS = 1  # which starts and ends those of the exercises
CLONE_NEWUSER = 0x10000000
SHARED_AND_ANONYMOUS = 0x21  # memory that is in no process's own count
AF_UNIX = 1
PRIO_PROCESS = 0
WORD = 0xFFFFFFFF  # of an argument that is an int, which may have anything above that


@functools.cache
def filter_program() -> bytes:
    """The filter, as bubblewrap's `--seccomp` takes it.

    Raises:
        RuntimeError: libseccomp is missing.
    """
    import pyseccomp as seccomp

    program = seccomp.SyscallFilter(seccomp.ALLOW)

    def deny(name: str, *when: Any, error: int = errno.EPERM) -> None:
        number_ = number(name)
        if number_ >= 0:  # else this machine has none of this name
            program.add_rule(seccomp.ERRNO(error), number_, *when)

    def equal(argument: int, value: int, mask: int = WORD) -> Any:
        return seccomp.Arg(argument, seccomp.MASKED_EQ, mask, value)

    for names in DENIED.values():
        for name in names.split():
            deny(name)
    for name in UNKNOWN:
        deny(name, error=errno.ENOSYS)
    deny("clone", equal(0, CLONE_NEWUSER, CLONE_NEWUSER))
    deny("mmap", equal(3, SHARED_AND_ANONYMOUS, SHARED_AND_ANONYMOUS))
    deny("socket", seccomp.Arg(0, seccomp.NE, AF_UNIX))
    deny("prlimit64", seccomp.Arg(0, seccomp.NE, 0))
    deny("setpriority", seccomp.Arg(0, seccomp.NE, PRIO_PROCESS))
    deny("setpriority", equal(1, FIRST_PROCESS))
    for name in ("sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"):
        deny(name, equal(0, FIRST_PROCESS))
    reader, writer = os.pipe()
    with open(reader, "rb") as made:
        with open(writer, "wb") as file:
            program.export_bpf(file)
        return made.read()


def number(name: str) -> int:
    """The number of a system call on this machine; below 0 if it has none of this name.

    Raises:
        RuntimeError: libseccomp is missing.
    """
    import pyseccomp

    return pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
