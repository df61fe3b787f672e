"""The command line as one of several workers; worker 1 is killed after the first checkpoint.

    mpiexec -n 2 python tests/parallel/killed.py CHECKPOINT train ...
"""

import os
import signal
import sys
import threading
import time

from intflow.cli import main
from intflow.parallel.launch import launched_rank


def kill_after(checkpoint):
    """Until the file is there; then the end of this process, as the system's killer brings it."""
    while not os.path.exists(checkpoint):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)


if launched_rank() == 1:
    threading.Thread(target=kill_after, args=[sys.argv[1]], daemon=True).start()
main(sys.argv[2:])
