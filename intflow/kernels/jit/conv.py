"""Convolution forward, error and gradient on micro-kernels: the fast twin of reference/conv.py.

Each method is a door to one call (product_call.py). The contract
of every argument is stated in the reference; here x, w and e may be any C-contiguous arrays, and
no result depends on the number of tasks.
"""

from threading import Lock

import numpy as np

from ...errors import FormatError, ShapeError
from ..buffers import SUMS, empty
from ..geometry import check_mask, geometry, output_size
from . import product_sizes, unfused
from .backends import BACKENDS, Bytes, Words
from .memory import Workspaces
from .product_call import Call
from .product_finish import Mask, Narrow, Sums
from .product_sizes import lines, unfolds
from .reduce import max_abs


class Products:
    """The three products with the micro-kernels of one backend.

    Parameters
    ----------
    backend : a name of backends.BACKENDS.
    emulated : as in `kernels.load`.
    """

    def __init__(self, backend, emulated=False):
        self._choose = BACKENDS[backend]
        self._emulated = emulated
        self._memory = Workspaces()
        self._lock = Lock()  # one call at a time uses the workspaces

    def conv2d_forward(self, out, x, w, stride, padding, dilation, groups, w_max=None, ntask=1):
        """See reference/conv.py. Rows are images, columns output channels, segments taps."""
        x, w = _operands(out, x, w)
        sizes = geometry(x.shape, w.shape, out.shape, stride, padding, dilation, groups)
        self._forward(Sums(out), out.dtype, x, w, sizes, w_max, ntask)

    def conv2d_requantized(self, out, passed, winner, x, w, stride, padding, dilation, groups,
                           pool, relu, bias, rshift, rounding, minimum, maximum, w_max=None,
                           wide=False, ntask=1):
        """See reference/conv_fused.py. Sums of a block become codes while they are in L1."""
        shape = *output_size(x.shape, w.shape, stride, padding, dilation), x.shape[2], w.shape[3]
        sizes = geometry(x.shape, w.shape, shape, stride, padding, dilation, groups)
        check_mask(passed, out.shape, masks=(1 + bool(relu),))
        after = passed, winner, pool, relu, bias, rshift, rounding, minimum, maximum
        finish = Narrow(out, *after)
        if not wide and finish.fits(sizes):
            self._forward(finish, np.dtype(np.int32), *_codes(x, w), sizes, w_max, ntask)
            return
        sums = empty(shape, np.int64 if wide else np.int32, SUMS)
        self.conv2d_forward(sums, x, w, stride, padding, dilation, groups, w_max, ntask)
        unfused.requantized(out, passed, winner, sums, *after[2:], ntask)

    def _forward(self, finish, sums, x, w, sizes, w_max, ntask):
        with self._lock:
            micro = self._micro(sums, x, w, sizes.group_outputs, w_max)
            call = Call(self._memory, finish, sizes, ntask, *micro)
            x = _signed(x, call.micro)
            if unfolds(call.micro, sizes):
                lined = lines(call.micro, sizes)
                (call.forward_lined if lined else call.forward_unfolded)(x, w)
            else:
                call.forward(x, w)

    def conv2d_error(self, out, e, w, stride, padding, dilation, groups, w_max=None, ntask=1):
        """See reference/conv.py. Rows are images, columns input channels, segments taps."""
        e, w = _operands(out, e, w)
        sizes = geometry(out.shape, w.shape, e.shape, stride, padding, dilation, groups)
        self._error(Sums(out), e, w, sizes, w_max, ntask)

    def conv2d_error_masked(self, out, e, w, stride, padding, dilation, groups, passed,
                            w_max=None, ntask=1):
        """See reference/conv_fused.py. Masked and compared while a block is in L1."""
        e, w = _operands(out, e, w)
        sizes = geometry(out.shape, w.shape, e.shape, stride, padding, dilation, groups)
        check_mask(passed, out.shape)
        finish = Mask(out, passed, ntask)
        if out.dtype == np.int32 and finish.fits(sizes):
            self._error(finish, e, w, sizes, w_max, ntask)
            return finish.largest()
        self._error(Sums(out), e, w, sizes, w_max, ntask)
        return unfused.masked(out, passed, ntask)

    def _error(self, finish, e, w, sizes, w_max, ntask):
        with self._lock:
            micro = self._micro(finish.out.dtype, e, w, sizes.group_inputs, w_max)
            Call(self._memory, finish, sizes, ntask, *micro).error(e, w)

    def conv2d_gradient(self, out, x, e, stride, padding, dilation, groups, largest=False,
                        ntask=1):
        """See reference/conv.py. Rows are input channels, columns output channels, segments
        output pixels."""
        x, e = _operands(out, x, e)
        sizes = geometry(x.shape, out.shape, e.shape, stride, padding, dilation, groups)
        with self._lock:
            micro = self._micro(out.dtype, x, e, sizes.group_outputs)
            call = Call(self._memory, Sums(out), sizes, ntask, *micro)
            call.gradient(_signed(x, call.micro), e)
        return max_abs(out, ntask) if largest else None

    def _micro(self, sums, a, b, columns, b_max=None):
        """The micro-kernel for these operands, and how many products one s32 sum may add.

        Bound of s64 results: a piece of `limit` products stays below 2**31 and is then added to
        64 bits; where that would be a handful, the wide kernel multiplies twice.
        """
        if a.itemsize == b.itemsize == 1:
            micro = self._choose.bytes(_bytes(a, b_max or 127, columns, self._emulated))
        else:
            micro = self._choose.words(Words(columns, self._emulated))
        if sums == np.int32:
            return micro, None
        a_max = np.iinfo(a.dtype).max if a.itemsize == 1 else _magnitude(a)
        b_max = b_max or (127 if b.itemsize == 1 else _magnitude(b))
        limit = (2**31 - 1) // max(1, a_max * b_max)
        if limit >= product_sizes.FEWEST_PRODUCTS:
            return micro, limit
        return self._choose.words(Words(columns, self._emulated, wide=True)), None


def _bytes(a, w_max, columns, emulated):
    """What a backend may know about byte operands a and b."""
    if a.dtype == np.uint8:
        return Bytes(w_max, columns, lambda: a.size == 0 or a.max() <= 127, True, emulated)
    return Bytes(w_max, columns, lambda: a.size == 0 or a.min() >= 0, False, emulated)


def _signed(codes, micro):
    """u8 codes as s16 for the kernels of s16 pairs, all others as they are."""
    return codes.astype(np.int16) if codes.dtype == np.uint8 and micro.size == 2 else codes


def _operands(out, *operands):
    """The operands as contiguous arrays; their widths and out's checked. The first may be u8."""
    if out.dtype not in (np.int32, np.int64) or not out.flags.c_contiguous or out.ndim != 4:
        raise FormatError(
            "a product writes a C-contiguous 4-D s32 or s64 array, got "
            f"{out.dtype} of shape {out.shape}"
        )
    return _codes(*operands)


def _codes(*operands):
    """The operands as contiguous arrays, their widths checked."""
    for i, codes in enumerate(operands):
        if codes.dtype not in (np.int8, np.int16) and (i or codes.dtype != np.uint8):
            raise FormatError(
                f"a product takes s8 or s16 operands, the first also u8; got {codes.dtype}"
            )
        if codes.ndim != 4:
            raise ShapeError(f"a product takes 4-D operands, got shape {codes.shape}")
    return [np.ascontiguousarray(codes) for codes in operands]


def _magnitude(codes):
    return max(int(codes.max()), -int(codes.min()))
