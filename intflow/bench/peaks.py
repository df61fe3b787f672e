"""What an instruction can do at most: loops on registers alone, on every thread at once.

    vpdpbusd    AVX512-VNNI   64 products of bytes
    tdpbssd     AMX           16 * 16 * 64 products of bytes
    vpmaddwd    8 (SSE2: 4) pairs of s16 with their additions, as the portable kernel makes them
    vpopcntq    512 products of single bits: exclusive or, count, add
"""

import threading
from importlib import import_module

import numpy as np

from ..kernels.threads import leave_core

# backend -> the instruction its products are made of
INSTRUCTION = {"portable": "vpmaddwd", "avx2": "vpmaddwd", "vnni": "vpdpbusd", "amx": "tdpbssd"}
# instruction -> features it takes, and products of one round of its loop
FEATURES = {
    "vpmaddwd": (),
    "vpdpbusd": ("avx512f", "avx512bw", "avx512vl", "avx512vnni"),
    "tdpbssd": ("amx-tile", "amx-int8"),
    "vpopcntq": ("avx512f", "avx512vpopcntdq"),
}
ROUNDS = 1 << 18


class Peak:
    """The peak of one instruction.

    Parameters
    ----------
    instruction : a name of FEATURES. threads : loops at once.
    """

    def __init__(self, instruction, threads):
        from ..kernels.jit import cpu

        missing = cpu.lacks(*FEATURES[instruction])
        if missing or (instruction == "tdpbssd" and not cpu.request_tiles()):
            raise ImportError(f"no {missing or 'AMX tiles'}")
        module = import_module(f".peak_{instruction}", __package__)
        self.loop, self.threads = module.loop, threads
        self.products = module.PRODUCTS * ROUNDS * threads
        self.scratch = [np.zeros(4096, np.uint8) for _ in range(threads)]
        self.run()

    def about(self):
        return {"products": self.products}

    def run(self):
        loops = [threading.Thread(target=self._alone, args=(scratch,)) for scratch in self.scratch]
        for thread in loops:
            thread.start()
        for thread in loops:
            thread.join()

    def _alone(self, scratch):
        leave_core()            # the kernels may have pinned the thread that started this one
        self.loop(scratch.ctypes.data, ROUNDS)
