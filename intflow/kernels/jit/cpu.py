"""What the processor can do: asked before anything is compiled.

An intrinsic of an instruction set that Numba's target lacks makes LLVM abort the process, so
every backend states its features and they are tested here, never by try and except.
"""

import ctypes

ARCH_PRCTL = 158  # system call of x86-64 Linux
GET_PERMISSION, REQUEST_PERMISSION = 0x1022, 0x1023
TILE_DATA = 18  # state component of the AMX tiles


def features():
    """Names, as LLVM spells them, of the instruction sets that Numba will compile for.

    Follows NUMBA_CPU_NAME, NUMBA_CPU_FEATURES and NUMBA_ENABLE_AVX as Numba does; with
    NUMBA_CPU_NAME=generic or host there are none.
    """
    from numba.core import codegen, config

    if config.CPU_NAME == "host":
        return set()
    words = config.CPU_FEATURES
    if words is None:
        words = codegen.get_host_cpu_features()
    return {word[1:] for word in words.split(",") if word.startswith("+")}


def lacks(*wanted):
    """The first of these features that is missing, or None."""
    present = features()
    return next((name for name in wanted if name not in present), None)


def request_tiles():
    """Ask the kernel for the AMX tile registers, once a process; True when they are granted.

    The grant holds for every thread. Without it the first tile instruction kills the process.
    """
    try:
        system_call = ctypes.CDLL(None, use_errno=True).syscall
    except (OSError, AttributeError):
        return False
    system_call.restype = ctypes.c_long
    number, mask = ctypes.c_long(ARCH_PRCTL), ctypes.c_uint64(0)
    if system_call(number, ctypes.c_long(REQUEST_PERMISSION), ctypes.c_long(TILE_DATA)) != 0:
        return False
    if system_call(number, ctypes.c_long(GET_PERMISSION), ctypes.byref(mask)) != 0:
        return False
    return bool(mask.value >> TILE_DATA & 1)


def is_x86():
    """Whether the processor is an x86."""
    import platform

    return platform.machine().lower() in ("x86_64", "amd64", "i386", "i686", "x86")
