"""Who still speaks when a job is killed from outside.

Where a worker is killed, launchers kill the others at once: none of them can say anything. So
worker 0 has a small process beside it, of its own session, that reads from a pipe: advice, one line
after the other, and in an orderly end the word of dismissal. When the pipe closes without that, it
says its line, and goes.
"""

import os
import signal
from contextlib import suppress

from .launch import is_launched, launched_rank

DISMISSED = b"\0"
LINE = "intflow: a worker was killed, and with it the job"


class Watchman:
    """The end of the pipe that worker 0 holds."""

    def __init__(self, pipe):
        self._pipe = pipe

    @classmethod
    def hired(cls, choice):
        """A Watchman, for worker 0 of a job; None for others, and where `choice` is "none".

        Forks, so it comes before threads and before MPI.
        """
        if choice == "none" or not is_launched() or launched_rank():
            return None
        theirs, ours = os.pipe()
        if os.fork() == 0:
            _watch(theirs)
        os.close(theirs)
        return cls(ours)

    def expect(self, advice):
        """What a user whose job was killed can do."""
        self._tell(advice.encode() + b"\n")

    def dismiss(self):
        """The end is an orderly one, or somebody says why it is not."""
        self._tell(DISMISSED)

    def _tell(self, text):
        with suppress(OSError):             # it may have been killed itself
            os.write(self._pipe, text)


def _watch(pipe):
    """The life of the other process."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.closerange(3, pipe)                  # what the launcher listens to is not ours to hold
    os.closerange(pipe + 1, 1 << 10)
    text = _read(pipe)
    if not text.endswith(DISMISSED):
        advice = text.decode(errors="replace").splitlines()
        os.write(2, ("; ".join([LINE, *advice[-1:]]) + "\n").encode())
    os._exit(0)


def _read(pipe):
    """Everything until the pipe closes or the dismissal has come."""
    text = b""
    while not text.endswith(DISMISSED):
        part = os.read(pipe, 1 << 12)
        if not part:
            break
        text += part
    return text
