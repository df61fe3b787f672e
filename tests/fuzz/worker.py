"""Cases of one reader in a process with little memory, watched for what no file may do.

A finding is anything but a result or an IntflowError of one line: another exception, a death of
the process, more than SECONDS or MEMORY for a case, a memory error, a program started, a file
written, or a file read that lies elsewhere.
"""

import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from intflow.errors import IntflowError

SECONDS = 5                     # of processor time for one case
HANG = 15                       # seconds without an answer after which a process is ended
MEMORY = 512 << 20              # address space on top of what the process starts with
GROWTH = 192 << 20              # resident memory that one case may touch
RUNS = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect",
        "pickle.find_class", "ctypes.dlopen")
CHANGES = ("os.remove", "os.rename", "os.link", "os.symlink", "os.chmod", "os.mkdir", "os.rmdir",
           "shutil.rmtree")         # of files, which a reader may do in its own folder
LONGEST_LINE = 1200


@dataclass(frozen=True)
class Finding:
    """What a file did. number : the case; what : one line; where : innermost frame."""

    reader: str
    number: int
    what: str
    where: str = ""


class Guard:
    """An audit hook: while `folder` is set, only reading in it, and in the libraries, is allowed."""

    def __init__(self):
        self.folder, self.seen, self.writes = None, None, ()
        self.libraries = tuple({sys.prefix, sys.base_prefix, "/usr", "/proc/self", "/lib", "/sys",
                                str(Path(__file__).resolve().parents[2])})
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if self.folder is None:
            return
        if event in RUNS or (event in CHANGES and not self._own(arguments)):
            self.seen = f"{event} {arguments}"[:200]
        if event == "open" and isinstance(arguments[0], (str, bytes)):
            self._opened(os.fsdecode(arguments[0]), arguments[2] or 0)

    def _own(self, arguments):
        paths = [os.fsdecode(a) for a in arguments if isinstance(a, (str, bytes, os.PathLike))]
        return all(os.path.realpath(path).startswith(self.folder) for path in paths)

    def _opened(self, path, flags):
        inside = os.path.realpath(path).startswith(self.folder)
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if not inside and (writes or not os.path.realpath(path).startswith(self.libraries)):
            self.seen = f"opened {path}"[:200]


def run(name, first, stop, report):
    """In a child: cases first .. stop - 1; report(number) before each, report(Finding) after."""
    from fuzz.readers import READERS

    reader, guard = READERS[name], Guard()
    reader.case(name, 0)
    _limit()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as home:
        os.chdir(home)
        for number in range(first, stop):
            report(number)
            finding = one(name, reader, number, Path(home, "case"), guard)
            if finding:
                report(finding)


def one(name, reader, number, folder, guard):
    """The Finding of one case, or None."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / reader.name
    path.write_bytes(reader.case(name, number))
    before, started = _resident(), time.process_time()
    guard.folder, guard.seen = str(folder.resolve()), None
    try:
        what, where = outcome(reader.read, path)
    finally:
        guard.folder = None
    if _resident() - before > GROWTH:
        what = what or f"{(_resident() - before) >> 20} MiB of memory"
    if time.process_time() - started > SECONDS:
        what = what or "too slow"
    what = what or guard.seen
    return Finding(name, number, what, where) if what else None


def outcome(read, path):
    """(what is wrong, or "", innermost place) of reading a file."""
    try:
        read(path)
    except IntflowError as error:
        text = str(error)
        if "\n" in text or len(text) > LONGEST_LINE or not text.isprintable():
            return f"message of {len(text)} characters: {text[:80]!r}", ""
        if "ot enough memory" in text or "ut of memory" in text or "nable to allocate" in text:
            return f"asked for too much memory: {text[-100:]}", _place(error.__context__ or error)
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:120]!r}", _place(error)
    return "", ""


def _place(error):
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "intflow" in f.filename or "datasets" in f.filename]
    return f"{Path(own[-1].filename).name}:{own[-1].lineno} {own[-1].name}" if own else ""


def _limit():
    """A limit on the address space, counted from what Python and the libraries have mapped."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY, mapped + MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _resident():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _child(pipe, name, first, stop):
    sys.stdout = sys.stderr = open(os.devnull, "w")
    run(name, first, stop, pipe.send)
    pipe.send("done")


def fuzz(name, first, stop):
    """All findings of cases first .. stop - 1; a case that kills its process is one of them."""
    findings, at = [], first
    while at < stop:
        receiving, sending = get_context("spawn").Pipe(duplex=False)
        process = get_context("spawn").Process(target=_child, args=(sending, name, at, stop))
        process.start()
        sending.close()
        at, end = _watch(receiving, at, findings)
        process.kill() if end == "hang" else None
        process.join()
        if end != "done":
            what = f"no answer within {HANG} s" if end == "hang" else (
                f"killed the process ({process.exitcode})")
            findings.append(Finding(name, at, what))
            at += 1
    return findings


def _watch(pipe, at, findings):
    """(last case begun, "done", "hang" or "died"); findings are appended."""
    while True:
        try:
            if not pipe.poll(HANG):
                return at, "hang"
            message = pipe.recv()
        except EOFError:
            return at, "died"
        if message == "done":
            return 1 << 62, "done"
        if isinstance(message, Finding):
            findings.append(message)
        else:
            at = message
