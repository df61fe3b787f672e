"""Ctrl-C, SIGTERM and the end of the time, between steps and not inside one."""

import signal
import threading
import time

SAME_KEY = 1            # second in which a signal counts once: mpiexec and the terminal both send it


class Interrupt:
    """While active, SIGINT and SIGTERM only set `asked`; a second one takes effect at once.

    Schedulers send SIGTERM some time before they kill; it saves as Ctrl-C does.
    """

    def __init__(self):
        self.asked, self._first = False, None
        self._before = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number, frame):
        now = time.monotonic()
        if self._first is not None and now - self._first > SAME_KEY:
            raise KeyboardInterrupt
        self.asked, self._first = True, self._first or now


class Clock:
    """The time that a run may take, counted from here; None is no limit.

    seconds : int or None.
    """

    def __init__(self, seconds=None):
        self.seconds, self._started = seconds, time.monotonic()

    def is_up(self):
        """Whether the time is over."""
        return self.seconds is not None and time.monotonic() - self._started >= self.seconds
