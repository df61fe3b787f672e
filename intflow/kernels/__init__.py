"""Loops on raw integer arrays: one set of names, several backends, all equal bit for bit.

    kernels = load("auto")        the fastest backend of this machine
    kernels.relu(out, mask, x)    every kernel is a method; its meaning: kernels/reference

    backend     products of bytes (s16: pairs)            everything else
    reference   NumPy int64, range-checked: the definition
    portable    s16 pairs, generic vector code            Numba, vectorised by LLVM
    avx2        u8 x small s8 (vpmaddubsw), else pairs    the same
    vnni        u8 x s8 quads (vpdpbusd, vpdpwssd), with  the same
                AVX512-VNNI or AVX-VNNI
    amx         s8 tiles (tdpbssd)                        the same

Products of bits take AVX512 VPOPCNTDQ under vnni and amx where the processor has it, else what LLVM
makes of a popcount.

Importing this package imports neither Numba nor a kernel; `load` does.
"""

import importlib
import inspect
from functools import partial
from typing import Callable, NamedTuple

from ..errors import BackendError, UnknownNameError, UsageError

# kernel -> file in reference/ and jit/. A kernel is one function there and one line here.
KERNELS = {
    "conv2d_forward": "conv",
    "conv2d_error": "conv",
    "conv2d_gradient": "conv",
    "bitwise_forward": "bitwise_product",
    "pack_rows": "bitwise",
    "pack_columns": "bitwise_columns",
    "unpack_rows": "bitwise",
    "unpack_columns": "bitwise_columns",
    "binarize_masked": "bitwise",
    "binarize_drawn": "bitwise",
    "binarize_above": "bitwise",
    "apply_bits": "bitwise",
    "conv2d_requantized": "conv",
    "conv2d_error_masked": "conv",
    "ordered_sums": "accumulate",
    "fit_sums": "accumulate",
    "max_pool2d": "pool",
    "max_pool2d_backward": "pool",
    "avg_pool2d": "pool",
    "avg_pool2d_backward": "pool",
    "relu": "elementwise",
    "apply_mask": "elementwise",
    "add_aligned": "elementwise",
    "scale_channels": "channels",
    "combine_channels": "channels",
    "channel_sums": "channel_sums",
    "local_response_norm": "lrn",
    "requantize": "requantize",
    "requantize_masked": "requantize",
    "requantize_drawn": "requantize_drawn",
    "requantize_levels": "requantize_levels",
    "requantize_packed": "packed",
    "requantize_where": "packed",
    "max_abs_packed": "packed",
    "max_abs": "reduce",
    "sum_squares": "reduce",
    "count_outside": "reduce",
    "minifloat_forward": "minifloat",
    "combine_planes": "minifloat",
    "random_u32": "random",
    "stochastic_update": "update",
    "rounded_update": "update_rounded",
    "drawn_update": "update_rounded",
    "adamax_update": "adamax",
    "momentum_update": "momentum",
    "requantize_to_power": "power",
    "shift_norm_sums": "shift_norm",
    "shift_norm_moments": "shift_norm",
    "shift_norm": "shift_norm",
    "shift_norm_error_sums": "shift_norm",
    "shift_norm_error": "shift_norm",
    "lstm_forward": "recurrent",
    "lstm_backward": "recurrent",
    "gru_forward": "recurrent",
    "gru_backward": "recurrent",
    "rnn_forward": "recurrent",
    "rnn_backward": "recurrent",
    "softmax": "softmax",
    "shift_register": "shift_register",
    "encode_images": "encode",
    "centre_images": "encode",
    "resize_bilinear": "encode",
}

# Files whose kernels differ between the compiled backends; in jit/ each has a class Products.
PRODUCTS = ("conv", "bitwise_product")


class Backend(NamedTuple):
    """A line of BACKENDS: `lack()` says what the machine lacks, or None; `functions(emulated)`
    returns the kernels of one file of its package by name."""

    lack: Callable
    source: Callable


def _nothing():
    return None


def _lack(*features):
    def lack():
        from .jit import cpu

        missing = cpu.lacks(*features)
        return None if missing is None else f"the processor lacks {missing}"

    return lack


AVX512_VNNI = _lack("avx512f", "avx512bw", "avx512vl", "avx512vnni")
AVX_VNNI = _lack("avx2", "avxvnni")


def _lack_vnni():
    """AVX-VNNI, of half the width, does as well."""
    missing = AVX512_VNNI()
    return missing and AVX_VNNI() and f"{missing}, and AVX-VNNI"


def _lack_amx():
    from .jit import cpu

    missing = AVX512_VNNI() or _lack("amx-tile", "amx-int8")()
    if missing is None and not cpu.request_tiles():
        return "the operating system does not grant AMX tiles"
    return missing


def _reference(file, emulated):
    files = ("conv", "conv_fused") if file == "conv" else (file,)
    modules = [importlib.import_module(f".reference.{name}", __name__) for name in files]
    return {name: value for module in modules for name, value in vars(module).items()}


def _jit(name):
    """name : of jit/backends.py."""
    def source(file, emulated):
        module = importlib.import_module(f".jit.{file}", __name__)
        if file not in PRODUCTS:
            return vars(module)
        products = module.Products(name, emulated)
        return {name: getattr(products, name) for name, home in KERNELS.items() if home == file}

    return source


def _vnni(file, emulated):
    """The form that the processor has; emulated: the one asked for."""
    short = (emulated == "avx_vnni") if emulated else AVX512_VNNI()
    return _jit("avx_vnni" if short else "vnni")(file, emulated)


# Functions that are told the name of every kernel that is about to be compiled.
COMPILE_WATCHERS = []

# Slowest first; `auto` takes the last one that the machine can run.
BACKENDS = {
    "reference": Backend(_nothing, _reference),
    "portable": Backend(_nothing, _jit("portable")),
    "avx2": Backend(_lack("avx2"), _jit("avx2")),
    "vnni": Backend(_lack_vnni, _vnni),
    "amx": Backend(_lack_amx, _jit("amx")),
}


def available():
    """Every backend as name -> (whether this machine runs it, why not or "")."""
    lacks = {name: backend.lack() for name, backend in BACKENDS.items()}
    return {name: (lack is None, lack or "") for name, lack in lacks.items()}


def cpu_features():
    """Instruction sets that kernels are compiled for, sorted, as LLVM names them."""
    from .jit import cpu

    return sorted(cpu.features())


def load(backend="auto", threads=None, emulated=False):
    """The kernels of one backend.

    Parameters
    ----------
    backend : a name of BACKENDS, or "auto".
    threads : tasks that a kernel is split into, at least 1; None takes Numba's default (its
        NUMBA_NUM_THREADS, else the processors). Results never depend on it.
    emulated : replace the instructions of vnni and amx by generic code, so that their kernels
        can be tested on any machine; "avx_vnni" for vnni as it is without AVX512. Slow.

    Returns
    -------
    Kernels

    Raises
    ------
    BackendError : the machine lacks what the backend needs. UnknownNameError, UsageError.
    """
    if backend == "auto":
        backend = [name for name, (runs, _) in available().items() if runs][-1]
    if backend not in BACKENDS:
        raise UnknownNameError("backend", backend, ["auto", *BACKENDS])
    lack = None if emulated else BACKENDS[backend].lack()
    if lack is not None:
        raise BackendError(f"the {backend} backend cannot run here: {lack}; use --backend auto")
    if threads is not None and threads < 1:
        raise UsageError(f"threads starts at 1, got {threads}")
    if backend == "reference":
        return Kernels(backend, threads or 1, emulated)
    import numba

    from .jit.compiling import announce
    from .jit.stale import forget_stale_code
    from .threads import prepare

    forget_stale_code()
    announce(COMPILE_WATCHERS)
    most = numba.config.NUMBA_NUM_THREADS
    prepare(threads or most)
    # Threads that get no task would still have to be waited for.
    numba.set_num_threads(min(threads or most, most))
    return Kernels(backend, threads or most, emulated)


class Kernels:
    """Every kernel of one backend as a method; see `load`.

    Attributes
    ----------
    backend : its name. threads : tasks that parallel kernels are split into.
    """

    def __init__(self, backend, threads, emulated=False):
        self.backend = backend
        self.threads = threads
        self._emulated = emulated

    def __getattr__(self, name):
        """Import the file of a kernel when it is first called, and bind all its kernels."""
        if name.startswith("_") or name not in KERNELS:
            raise AttributeError(f"no kernel is called {name!r}")
        file = KERNELS[name]
        functions = BACKENDS[self.backend].source(file, self._emulated)
        for kernel in (kernel for kernel, home in KERNELS.items() if home == file):
            setattr(self, kernel, self._bound(functions[kernel]))
        return vars(self)[name]

    def fresh(self):
        """The same kernels, with workspaces of their own."""
        return Kernels(self.backend, self.threads, self._emulated)

    def _bound(self, function):
        """The function without its ntask argument, where it has one."""
        if "ntask" in inspect.signature(function).parameters:
            return partial(function, ntask=self.threads)
        return function

    def __repr__(self):
        return f"Kernels(backend={self.backend!r}, threads={self.threads})"
