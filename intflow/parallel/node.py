"""How many threads a worker takes beside the other workers of its machine."""

import os


def own_cores():
    """Numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def threads_for(cores, workers, own):
    """Threads of one worker.

    cores : that the workers of its machine may use in all. workers : on it.
    own : cores that this one may use.

    Examples
    --------
    3 workers on the same 8 cores: 2 each. 2 workers bound to 4 of 8 cores each: 4.
    """
    return max(1, min(cores // workers, own))
