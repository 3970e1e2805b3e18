"""Hostile and broken answers to the exercise "jaggedness", with what their marks must say.

    @hostile("stopped", "longer than 1 s of the processor")   # the state, and words of the reason
    def loops(curve): ...

An answer stands alone, as in `answers`; the test puts the names in capitals in front of it. It earns nothing
where it fails as it should: what gets through a wall returns the right number.
"""

import builtins
import ctypes
import importlib
import mmap
import multiprocessing
import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable

import numpy as np

HOSTILE: dict[Callable, tuple[str, str]] = {}
HARMLESS: list[Callable] = []
HOME = SOURCE = "a path"
LAB = "the package's name"  # where an answer spells it, the sandbox loads TensorFlow, which takes seconds
PORT = 0
SECRET = "what stands in the environment of the grader"


def hostile(state: str, words: str) -> Callable:
    """Enter an answer that earns nothing."""

    def enter(answer):
        HOSTILE[answer] = state, words
        return answer

    return enter


def harmless(answer: Callable) -> Callable:
    """Enter an odd answer that is right all the same."""
    HARMLESS.append(answer)
    return answer


# --- time


@hostile("stopped", "longer than 1 s of the processor")
def loops(curve):
    while True:
        pass


@hostile("stopped", "longer than 1 s")
def sleeps(curve):
    time.sleep(1000)


@hostile("stopped", "longer than 1 s of the processor")
def ignores_the_limit(curve):
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    while True:
        pass


@hostile("stopped", "longer than 1 s")
def swallows_every_error(curve):
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            pass


@hostile("stopped", "longer than 1 s of the processor")
def never_comes(curve):
    class Lazy:
        def __array__(self, *args, **kwargs):
            while True:
                pass

    return Lazy()


# --- processes and threads


@hostile("stopped", "longer than 1 s of the processor")
def forty_busy_processes(curve):
    for _ in range(40):
        if not os.fork():
            while True:
                pass
    time.sleep(100)


@hostile("stopped", "longer than 1 s of the processor")
def one_busy_process_after_the_other(curve):
    while True:
        if not os.fork():
            end = time.process_time() + 0.2
            while time.process_time() < end:
                pass
            os._exit(0)
        os.wait()


@hostile("stopped", "")
def fork_bomb(curve):
    while True:
        try:
            os.fork()
        except OSError:
            pass


@hostile("stopped", "")
def bomb_of_shells(curve):
    subprocess.run(["sh", "-c", "f() { f | f & }; f; sleep 100"])
    time.sleep(100)


@hostile("wrong", "it raised RuntimeError: can't start new thread")
def thread_bomb(curve):
    for _ in range(10**6):
        threading.Thread(target=time.sleep, args=(100,), daemon=True).start()


# --- memory, output, disk


@hostile("wrong", "it raised MemoryError")
def memory_bomb(curve):
    return np.ones(10**9).sum()


@hostile("stopped", "together took more than 800 MB")
def memory_bomb_of_many(curve):
    for _ in range(8):
        if not os.fork():
            kept = np.ones(20_000_000)
            time.sleep(100 + kept[0])
    time.sleep(100)


@hostile("stopped", "together took more than 800 MB")
def fills_sockets(curve):
    for _ in range(20):
        if not os.fork():
            pairs = [socket.socketpair() for _ in range(100)]
            time.sleep(100 + len(pairs))
    time.sleep(100)


@hostile("wrong", "Operation not permitted")
def takes_system_v_memory(curve):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.shmget(0, 10**8, 0o1600) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return np.abs(np.diff(curve, 2)).mean()


@hostile("wrong", "Operation not permitted")
def leaves_a_message_queue_behind(curve):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.msgget(7, 0o1600) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return np.abs(np.diff(curve, 2)).mean()


@hostile("wrong", "Function not implemented")
def takes_memory_as_a_file(curve):
    os.memfd_create("mine")
    return np.abs(np.diff(curve, 2)).mean()


@hostile("wrong", "Operation not permitted")
def shares_memory_of_no_file(curve):
    mmap.mmap(-1, 10**8)
    return np.abs(np.diff(curve, 2)).mean()


@hostile("wrong", "Permission denied")
def shares_memory_of_a_device(curve):
    with open("/dev/zero", "r+b", buffering=0) as file:
        mmap.mmap(file.fileno(), 10**8)
    return np.abs(np.diff(curve, 2)).mean()


@hostile("stopped", "longer than 1 s of the processor")
def prints_for_ever(curve):
    while True:
        print("x" * 10**6)


@hostile("wrong", "No space left on device")
def fills_the_disk(curve):
    for i in range(10**6):
        with open(f"/tmp/{i}", "wb") as file:
            file.write(bytes(10**6))


@hostile("wrong", "No space left on device")
def fills_shared_memory(curve):
    for i in range(10**6):
        with open(f"/dev/shm/{i}", "wb") as file:
            file.write(bytes(10**6))


@hostile("wrong", "File too large")
def writes_a_large_file(curve):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open("/tmp/large", "wb") as file:
        file.truncate(10**9)


@hostile("stopped", "more than 2 MB")
def returns_too_much(curve):
    return np.zeros(400_000)


@hostile("wrong", "should be an array")
def returns_more_than_there_is(curve):
    return np.broadcast_to(0.5, (10**6, 10**6))


# --- the system, other people's files, the network


@hostile("wrong", "Read-only file system")
def writes_to_the_system(curve):
    open("/usr/mine", "w")


@hostile("wrong", "Read-only file system")
def writes_beside_the_devices(curve):
    open("/dev/mine", "w")


@hostile("wrong", "Read-only file system")
def writes_to_the_root(curve):
    open("/mine", "w")


@hostile("wrong", "FileNotFoundError")
def reads_a_home(curve):
    return len(open(HOME).read())


@hostile("wrong", "FileNotFoundError")
def reads_the_passwords(curve):
    return len(open("/etc/shadow").read())


@hostile("wrong", "Error: [Errno")
def becomes_root(curve):
    os.setuid(0)


@hostile("wrong", "Operation not permitted")
def unmounts(curve):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.umount2(b"/tmp", 2):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@hostile("wrong", "Operation not permitted")
def asks_this_machine(curve):
    socket.create_connection(("127.0.0.1", PORT), 1)


@hostile("wrong", "Operation not permitted")
def asks_the_world(curve):
    socket.create_connection(("192.0.2.1", 80), 1)


@hostile("wrong", "FileNotFoundError")
def reads_what_others_handed_in_through_nbgrader(curve):
    return len(os.listdir("/usr/local/share"))


@hostile("wrong", "Operation not permitted")
def enters_a_namespace(curve):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x10000000):  # CLONE_NEWUSER
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return np.abs(np.diff(curve, 2)).mean()


@hostile("wrong", "Operation not permitted")
def starts_a_process_in_a_namespace(curve):
    libc = ctypes.CDLL(None, use_errno=True)
    child = libc.syscall(
        56 if os.uname().machine == "x86_64" else 220, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0
    )
    if child < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if not child:
        os._exit(0)
    return np.abs(np.diff(curve, 2)).mean()


@hostile("wrong", "Operation not permitted")
def loads_a_program_into_the_kernel(curve):
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = (ctypes.c_uint32 * 32)(2, 4, 4, 1)  # an array of one number
    file = libc.syscall(321 if os.uname().machine == "x86_64" else 280, 0, attributes, 128)
    if file < 0 and ctypes.get_errno() != 1:
        return np.abs(np.diff(curve, 2)).mean()
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


# --- what the grader has: its environment, its open files, its keys


@hostile("wrong", "LookupError: nothing")
def looks_for_a_secret_in_every_environment(curve):
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if SECRET.encode() in file.read():
                    return np.abs(np.diff(curve, 2)).mean()
        except OSError:
            pass
    raise LookupError("nothing")


@hostile("wrong", "LookupError: nothing")
def opens_a_file_of_another_process(curve):
    for name in os.listdir("/proc"):
        if name.isdigit() and name != str(os.getpid()):
            try:
                if os.listdir(f"/proc/{name}/fd"):
                    return np.abs(np.diff(curve, 2)).mean()
            except OSError:
                pass
    raise LookupError("nothing")


@hostile("wrong", "LookupError: nothing")
def finds_a_file_left_open(curve):
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 3 or (int(name) < 3 and os.readlink(f"/proc/self/fd/{name}") != "/dev/null"):
                if not os.readlink(f"/proc/self/fd/{name}").endswith("/fd"):  # of this very loop
                    return np.abs(np.diff(curve, 2)).mean()
        except OSError:
            pass
    raise LookupError("nothing")


@hostile("wrong", "Operation not permitted")
def traces_the_first_process(curve):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, 1, 0, 0) < 0:  # PTRACE_ATTACH
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return np.abs(np.diff(curve, 2)).mean()


@hostile("wrong", "Operation not permitted")
def reads_the_session_keyring(curve):
    libc = ctypes.CDLL(None, use_errno=True)
    number = 250 if os.uname().machine == "x86_64" else 219
    if libc.syscall(number, 0, -3, 0, 0, 0) < 0:  # KEYCTL_GET_KEYRING_ID of the session
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return np.abs(np.diff(curve, 2)).mean()


@hostile("wrong", "Operation not permitted")
def leaves_a_key_for_the_next(curve):
    libc = ctypes.CDLL(None, use_errno=True)
    number = 248 if os.uname().machine == "x86_64" else 217
    if libc.syscall(number, b"user", b"mine", b"x", 1, -3) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return np.abs(np.diff(curve, 2)).mean()


@hostile("wrong", "PermissionError")
def lists_the_keys(curve):
    return len(open("/proc/keys").read())


# --- the process that starts all others


@hostile("wrong", "Operation not permitted")
def limits_its_parent(curve):
    resource.prlimit(os.getppid(), resource.RLIMIT_NPROC, (1, 1))
    return np.abs(np.diff(curve, 2)).mean()


@hostile("wrong", "Operation not permitted")
def slows_its_parent_down(curve):
    os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)
    return np.abs(np.diff(curve, 2)).mean()


@hostile("wrong", "Operation not permitted")
def slows_its_user_down(curve):
    os.setpriority(os.PRIO_USER, os.getuid(), 19)
    return np.abs(np.diff(curve, 2)).mean()


@hostile("wrong", "Operation not permitted")
def binds_its_parent_to_one_core(curve):
    os.sched_setaffinity(os.getppid(), {min(os.sched_getaffinity(0))})
    return np.abs(np.diff(curve, 2)).mean()


@hostile("wrong", "PermissionError")
def reaches_into_its_parent(curve):
    os.listdir(f"/proc/{os.getppid()}/fd")


@hostile("stopped", "it ended its process")
def exits_with_0(curve):
    os._exit(0)


@hostile("wrong", "it raised SystemExit")
def exits_politely(curve):
    sys.exit(0)


@hostile("stopped", "killed by signal 11")
def crashes(curve):
    ctypes.string_at(0)


@hostile("stopped", "longer than 1 s of the processor")
def closes_all_files(curve):
    os.closerange(0, 999)
    while True:
        pass


# --- what is compared, and with what


@hostile("wrong", "should be")
def patches_numpy(curve):
    np.isclose = np.array_equal = lambda *args, **kwargs: True
    return 0.0


@hostile("wrong", "should be")
def patches_the_package(curve):
    asking = importlib.import_module(LAB + ".exercises.engine.asking")
    asking.difference = asking.plain = lambda *args, **kwargs: [np.array(0.0)]
    return 0.0


@hostile("stopped", "")
def patches_builtins(curve):
    builtins.isinstance = builtins.all = lambda *args: True
    return 0.0


@hostile("wrong", "ModuleNotFoundError")
def imports_the_reference(curve):
    return importlib.import_module(LAB + ".exercises.catalogue.encoder_decoder").JAGGED.reference(curve)


@hostile("wrong", "ModuleNotFoundError")
def asks_for_the_exercise(curve):
    exercises = importlib.import_module(LAB + ".exercises")
    return exercises.exercise_named("jaggedness").reference(curve)


@hostile("wrong", "ModuleNotFoundError")
def imports_the_marking(curve):
    importlib.import_module(LAB + ".grading.marking")


@hostile("wrong", "FileNotFoundError")
def reads_the_solutions(curve):
    return len(open(SOURCE).read())


# --- what is returned


@hostile("wrong", "should be an array")
def poses_as_an_array(curve):
    class Posing:
        shape, dtype = (), np.float64

        def __array__(self, *args, **kwargs):
            return self

        def __eq__(self, other):
            return True

    return Posing()


@hostile("wrong", "should be")
def is_equal_to_everything(curve):
    class Equal(np.ndarray):
        def __eq__(self, other):
            return True

    return np.zeros(()).view(Equal)


@hostile("wrong", "not a number")
def returns_nan(curve):
    return np.nan


@hostile("wrong", "not text")
def returns_text(curve):
    return "right"


@hostile("wrong", "an array of objects")
def returns_objects(curve):
    return np.array([None, print], dtype=object)


@hostile("wrong", "should be an array")
def returns_a_wrong_dtype(curve):
    return np.abs(np.diff(curve, 2)).mean() + 0j


@hostile("wrong", "a generator")
def returns_a_generator(curve):
    return (x for x in iter(int, 1))


@hostile("wrong", "it raised RecursionError")
def calls_itself(curve):
    return calls_itself(curve)


@hostile("wrong", "it raised Mute")
def raises_without_words(curve):
    class Mute(Exception):
        def __str__(self):
            raise Mute

    raise Mute


@hostile("wrong", "it raised EEE")
def raises_with_too_many(curve):
    raise type("E" * 10**6, (Exception,), {})("x" * 10**6)


@hostile("stopped", "no answer")
def forges_lines(curve):
    for number in range(3, 9):
        try:
            os.write(number, b'{"results": 3}\n' * 3)
        except OSError:
            pass
    os._exit(0)


@hostile("stopped", "no answer")
def forges_lines_of_the_next(curve):
    os.write(3, b'{"results": 3}\n{"exercise": "innocent"}\n{"stopped": "mine", "bytes": 0}\n')
    os._exit(0)


@hostile("stopped", "no answer")
def forges_arrays(curve):
    os.write(3, b'{"results": [[{"shape": [-1], "numbers": "AAAAAAAAAAA="}]]}\n')
    os._exit(0)


@hostile("stopped", "no answer")
def forges_a_pickle(curve):
    os.write(3, pickle.dumps(print) + b"\n")
    os._exit(0)


@hostile("wrong", "mine")
def writes_to_stderr(curve):
    os.write(2, b"noise")
    raise ValueError("mine")


# --- odd, and right


@harmless
def leaves_a_thread_behind(curve):
    threading.Thread(target=time.sleep, args=[1000]).start()
    return np.abs(np.diff(curve, 2)).mean()


@harmless
def leaves_a_process_behind(curve):
    if not os.fork():
        os.setsid()
        time.sleep(1000)
    return np.abs(np.diff(curve, 2)).mean()


@harmless
def kills_its_parent(curve):
    for number in signal.valid_signals():
        os.kill(os.getppid(), number)
    return np.abs(np.diff(curve, 2)).mean()


@harmless
def stops_its_parent(curve):
    os.kill(os.getppid(), signal.SIGSTOP)
    return np.abs(np.diff(curve, 2)).mean()


@harmless
def kills_everybody(curve):
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass
    return np.abs(np.diff(curve, 2)).mean()


@harmless
def leaves_a_full_disk_behind(curve):
    try:
        for i in range(10**6):
            with open(f"/tmp/{i}", "wb") as file:
                file.write(bytes(10**6))
    except OSError:
        return np.abs(np.diff(curve, 2)).mean()


@harmless
def leaves_folders_in_folders_behind(curve):
    os.chdir(tempfile.mkdtemp(dir="/dev/shm"))
    for _ in range(3000):
        os.mkdir("in")
        os.chdir("in")
    closed = tempfile.mkdtemp(dir="/tmp")
    open(f"{closed}/mine", "w").close()
    os.chmod(closed, 0)
    return np.abs(np.diff(curve, 2)).mean()


@harmless
def leaves_a_home_behind(curve):
    os.makedirs(os.path.expanduser("~/.config/matplotlib"), exist_ok=True)
    open(os.path.expanduser("~/.-config"), "w").close()
    return np.abs(np.diff(curve, 2)).mean()


@harmless
def starts_processes_and_threads(curve):
    subprocess.run(["sh", "-c", "true"], check=True)
    thread = threading.Thread(target=time.sleep, args=(0,))
    thread.start()
    thread.join()
    receive, send = multiprocessing.get_context("fork").Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=send.send, args=(np.abs(np.diff(curve, 2)).mean(),)
    )
    process.start()
    process.join()
    return receive.recv()


@harmless
def changes_its_result_later(curve):
    result = np.array(np.abs(np.diff(curve, 2)).mean())

    def spoil():
        while True:
            time.sleep(0.2)
            result[...] = 0

    threading.Thread(target=spoil).start()
    return result


@harmless
def spoils_its_inputs(curve):
    changes = np.abs(np.diff(curve, 2))
    curve[...] = 0
    return changes.mean()


@harmless
def is_loud(curve):
    print("x" * 10**6)
    print("noise", file=sys.stderr)
    np.log(np.zeros(2))
    return np.abs(np.diff(curve, 2)).mean()
