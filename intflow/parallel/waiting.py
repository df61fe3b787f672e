"""Waiting for something of MPI without deaf ears: a worker that fails is heard of."""

import time

from mpi4py import MPI

from ..errors import WorkerError

LOOKS = 64                          # before the first pause
SHORTEST, LONGEST = 2e-5, 1e-4      # seconds of a pause


def waited(done, notes, patience=None):
    """Until done(); False where patience (seconds) ran out before.

    Testing and pausing in turn burns no core that another worker could use, and asks the notes each
    time, so that nobody waits for a worker that is gone.

    Raises
    ------
    IntflowError : what another worker has told (`Notes.check`). WorkerError : none can be reached.
    """
    pause, looks, started = SHORTEST, 0, time.monotonic()
    try:
        while not done():
            looks += 1
            if looks > LOOKS:
                notes.check()
                time.sleep(pause)
                pause = min(2 * pause, LONGEST)
                if patience is not None and time.monotonic() - started > patience:
                    return False
    except MPI.Exception as error:
        raise WorkerError(f"a worker cannot be reached: {error}; go on from the last checkpoint")
    return True
