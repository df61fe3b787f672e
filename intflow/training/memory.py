"""Keeping freed memory for the next step."""

import ctypes

# Parameters of glibc's mallopt.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
NEVER = (1 << 31) - 1


def keep_freed_memory():
    """Ask the C library to reuse large blocks instead of returning them to the system.

    Every step needs arrays of the same sizes; fresh pages for them cost about a tenth of a VGG-7
    step. Where the C library is not glibc nothing happens. No result depends on it.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, NEVER)
