"""How much memory this process may still ask for."""

import os
from pathlib import Path

GROUP = Path("/sys/fs/cgroup")


def available():
    """Bytes: the least of what the machine has free, its control group and its limits allow.

    Where nothing can be found out it is taken to be plenty.
    """
    known = [_machine(), _group(), _limit()]
    return max(0, min((n for n in known if n is not None), default=1 << 62))


def _machine():
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))
    except (OSError, ValueError, StopIteration):
        return None


def _group():
    try:
        name = Path("/proc/self/cgroup").read_text().splitlines()[-1].split(":", 2)[2].strip("/")
        most = int(Path(GROUP, name, "memory.max").read_text())
        return most - int(Path(GROUP, name, "memory.current").read_text())
    except (OSError, ValueError, IndexError):
        return None             # no control groups, or "max"


def _limit():
    try:
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return None if most == resource.RLIM_INFINITY else most - pages * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        return None
