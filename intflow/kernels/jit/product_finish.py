"""How the sums of a product are finished: the fields of a plan for each of the workers.

    Sums      s32 or s64 as they are                                  pixels_worker
    Narrow    bias, pool, ReLU, narrow codes and packed masks         narrowed_worker
    Mask      masked s32 sums and the largest magnitude               masked_worker
"""

import numpy as np

from ...formats.rounding import Rounding
from . import epilogue, product, product_fused

ZEROS = np.zeros(32, np.int64)  # a row of any kernel
MOST_TAPS = 16  # of a pool that is fused: each has a block in L1


class Sums:
    """The sums themselves, `out` [..][..][N][C] s32 or s64."""

    worker = product.pixels_worker
    taps = row_step = 1  # pixels of the product for one of out, its rows for one of out

    def __init__(self, out):
        self.out = out

    def pixels(self, columns):
        """Fields that say which pixels of the product a pixel of out needs."""
        return dict(pool_high=1, pool_wide=1, pool_stride_h=1, pool_stride_w=1,
                    pool_columns=columns)

    def fields(self, sizes, panels, columns):
        """Fields of the plan; panels of a group, NR columns of each."""
        return dict(start=ZEROS.ctypes.data)


class Narrow(Sums):
    """Narrow codes; arguments as in reference/conv_fused.py."""

    worker = product_fused.narrowed_worker

    def __init__(self, out, passed, winner, pool, relu, bias, rshift, rounding, minimum, maximum):
        self.out, self.passed, self.winner = out, passed, winner
        self.pool, self.relu, self.bias = pool, relu, bias
        self.rshift, self.rounding, self.range = rshift, rounding, (minimum, maximum)
        if pool:
            self.taps, self.row_step = pool[0][0] * pool[0][1], pool[1][0]

    def fits(self, sizes):
        """Whether narrowed_worker can do it: the formula of epilogue.py stays in s32, windows of
        the pool are disjoint, and channels of a group start on a byte of the masks."""
        largest = max(map(abs, self.range))
        return (
            0 <= self.rshift < 31 and (largest + 1) << self.rshift < 2**31
            and self.rounding != Rounding.STOCHASTIC
            and epilogue.rounding(self.rounding, self.rshift) is not None
            and (self.pool is None or _disjoint(*self.pool)) and self.taps <= MOST_TAPS
            and (self.passed is None or _whole_bytes(sizes.group_outputs, sizes.groups))
        )

    def pixels(self, columns):
        if self.pool is None:
            return super().pixels(columns)
        (high, wide), (down, right), _ = self.pool
        return dict(pool_high=high, pool_wide=wide, pool_stride_h=down, pool_stride_w=right,
                    pool_columns=self.out.shape[1])

    def fields(self, sizes, panels, columns):
        low, high = self.range
        formula = epilogue.rounding(self.rounding, self.rshift)
        return dict(
            **self._start(sizes, panels, columns), **formula._asdict(),
            **mask_fields(self.passed, sizes.group_outputs, self.relu),
            **self._winner(), size=self.out.itemsize, relu=bool(self.relu), rshift=self.rshift,
            first_sum=low << self.rshift, last_sum=high << self.rshift)

    def _start(self, sizes, panels, columns):
        """The bias as rows of panels, or one row of zeros for all."""
        if self.bias is None:
            return super().fields(sizes, panels, columns)
        rows = np.zeros((sizes.groups, panels * columns), np.int32)
        rows[:, :sizes.group_outputs] = self.bias.reshape(sizes.groups, -1)
        self.kept = rows
        return dict(start=rows.ctypes.data, start_panel=4 * columns)

    def _winner(self):
        if self.winner is None or self.pool is None:
            return dict(winner=0)
        return dict(winner=self.winner.ctypes.data, winner_size=self.winner.itemsize)


class Mask(Sums):
    """Masked s32 sums; `largest` after the run."""

    worker = product_fused.masked_worker

    def __init__(self, out, passed, ntask):
        self.out, self.passed = out, passed
        self.ends = np.zeros((ntask, 2, epilogue.EXTREMES // 8), np.int32)

    def fits(self, sizes):
        """Whether channels of a group start on a byte of the mask."""
        return self.passed is None or _whole_bytes(sizes.group_inputs, sizes.groups)

    def fields(self, sizes, panels, columns):
        return dict(**super().fields(sizes, panels, columns), extremes=self.ends.ctypes.data,
                    **mask_fields(self.passed, sizes.group_inputs, False))

    def largest(self):
        """The largest magnitude of all tasks."""
        return max(-int(self.ends[:, 0].min()), int(self.ends[:, 1].max()))


def mask_fields(passed, group, relu):
    """Fields of packed masks [1 + relu][H][W][N][bytes]; without relu the first axis may lack."""
    if passed is None:
        return dict(passed=0)
    row = passed.shape[-1]
    pixel = row * passed.shape[-2]
    return dict(passed=passed.ctypes.data, passed_row=row, passed_pixel=pixel,
                passed_group=group // 8, passed_relu=passed.nbytes // 2 if relu else 0)


def _disjoint(kernel_size, stride, padding):
    return tuple(kernel_size) == tuple(stride) and not any(padding)


def _whole_bytes(channels, groups):
    return groups == 1 or channels % 8 == 0
