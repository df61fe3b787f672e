"""The group of workers that are processes of one MPI job."""

import hashlib
import sys

import numpy as np
from mpi4py import MPI

from ..errors import RangeError, UsageError
from ..group import Alone
from .ending import Ending, abort
from .limbs import joined, split
from .node import own_cores, threads_for
from .notes import Notes
from .pump import Pump
from .traffic import Traffic
from .waiting import waited

MOST_CORES = 1 << 14


class MpiGroup(Alone):
    """All processes of the job; what is said in `Alone` holds here for many.

    watchman : Watchman or None; see `Ending`.

    Attributes
    ----------
    traffic : Traffic; of this worker.
    pump : Pump; its `spans` show when sums travelled.
    """

    def __init__(self, watchman=None):
        world = MPI.COMM_WORLD
        self.rank, self.size = world.rank, world.size
        # Apart, so that a maximum never queues behind the sums that are under way.
        self._soon, self._later = world.Dup(), world.Dup()
        self._notes = Notes(world.Dup())
        self._ending = Ending(self._soon, self._notes, watchman)
        self.threads = _threads(world)
        self.traffic = Traffic()
        self.pump = Pump(MPI.Query_thread() == MPI.THREAD_MULTIPLE)
        sys.excepthook = abort

    # sums and maxima ------------------------------------------------------------------------

    def sum(self, codes):
        """Integer array, summed over the workers element by element; the caller proves the bits."""
        return self._reduced(codes, MPI.SUM, "sums")

    def start_sum(self, codes, bits):
        """`sum` beside what follows, in the narrowest of 16, 32 and 64 bits that hold it.

        Returns an s32 array, s64 above 32 bits, whole after `finish_sums`.
        """
        out = np.empty(codes.shape, np.int64 if bits > 32 else np.int32)
        travels = np.int16 if bits <= 16 else out.dtype
        buffer = out if out.dtype == travels else np.empty(codes.shape, travels)
        buffer[...] = codes
        request = self._later.Iallreduce(MPI.IN_PLACE, buffer, MPI.SUM)
        self.traffic.add("gradients", buffer.nbytes)
        self.pump.add(request, buffer, out)
        return out

    def finish_sums(self):
        """Wait until all that was started is whole."""
        self.pump.finish(self._wait)

    def maximum(self, value):
        """The largest of the workers' integers, of 64 bits."""
        if not -(1 << 63) <= value < 1 << 63:
            raise RangeError(f"workers compare integers of 64 bits, got {value}")
        return int(self._reduced(np.array([value], np.int64), MPI.MAX, "maxima")[0])

    def totals(self, numbers):
        """Integers below 2**127, each summed over the workers."""
        return joined(self._reduced(split(numbers), MPI.SUM, "totals"))

    def any(self, flag):
        """Whether the flag is set at one of the workers."""
        return bool(self._reduced(np.array([bool(flag)], np.int64), MPI.MAX, "control")[0])

    def agree(self, text):
        """Raise UsageError, everywhere, unless all workers give the same text."""
        words = np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint32).astype(np.int64)
        most = self._reduced(np.concatenate([words, -words]), MPI.MAX, "control")
        if (most[:8] != -most[8:]).any():
            raise UsageError(
                "the workers were given different things to do; give all the same version of "
                "intflow, options, data and run folder"
            )

    def _reduced(self, codes, operation, kind):
        codes = np.asarray(codes)
        out = np.empty(codes.shape, codes.dtype)
        out[...] = codes
        self.traffic.add(kind, out.nbytes)
        self._wait(self._soon.Iallreduce(MPI.IN_PLACE, out, operation).Test)
        return out

    def _wait(self, done):
        waited(done, self._notes)

    # the end --------------------------------------------------------------------------------

    def expect(self, advice):
        """What to tell a user whose program was killed."""
        self._ending.expect(advice)

    def leave(self, code, message, say):
        """The end of the program at this worker; after a failure it does not return."""
        self._ending.leave(code, message, say)


def _threads(world):
    """Cores of the machine, shared among its workers."""
    node, own = world.Split_type(MPI.COMM_TYPE_SHARED), own_cores()
    cores = np.zeros(MOST_CORES, np.uint8)
    cores[[core for core in own if core < MOST_CORES]] = 1
    node.Allreduce(MPI.IN_PLACE, cores, MPI.MAX)
    threads = threads_for(int(np.count_nonzero(cores)), node.size, len(own))
    node.Free()
    return threads
