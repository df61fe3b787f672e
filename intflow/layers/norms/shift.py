"""Shift-based batch normalisation: no multiplication, and two divisions a channel.

Lingo, per channel of N elements, all in units of c:

    c     (x << lshift) - mean, the centred input; k(c) = round(log2 |c|)
    v     mean of c * AP2(c) = |c| << k(c), plus 1, which stands for epsilon
    s     round(log2(sqrt v)): the deviation is 2**s
    y     round(c * 2**(FRAC - s)) + beta; saturates beyond 2**15 deviations

gamma is left out: learning it changed nothing where it was tried. All roundings are half up.
"""

from dataclasses import replace

import numpy as np

from ...errors import RangeError
from ...formats import Fixed, Rounding, Tensor
from ...kernels.buffers import ERRORS, SUMS, empty
from ... import ops
from .norm import Norm

FRAC = 8                # fraction bits of y
CENTRED = 4             # of c below the step of x, where the sums fit
GUARD = 4               # of the error inside the backward pass
MEMORY = 3              # a running statistic moves by 2**-3 of the difference
MEAN_GUARD = 4          # bits of the running mean below the step of c
OUTPUT = Fixed(24, FRAC, symmetric=True)
BETA = Fixed(24, 16, symmetric=True)


class Shift(Norm):
    """y = c * AP2(1 / sqrt(mean(c * AP2(c)))) + beta.  [QNN shift norm, shift variance]

    backward: e' = s' * (e - mean(e) - projection), s' = 2**-s; the projection is

        AP2(c) * s'**2 * mean(AP2(c) * e)                       as published
        AP2(c) * sum(AP2(c) * e) / sum(AP2(c)**2)               where the scheme divides

    The first removes between 1/2 and 2 of the part of e along c, the second exactly what AP2 sees.
    Channels of different s are brought to one exponent, in 31 bits.

    Exactness
    ---------
    lshift is 4 where sums of c * AP2(c) over a full batch then fit 62 bits, else less; below 0 the
    last bits of x are dropped. An error that would not leave room for its sums, 15 bits or more,
    is first rounded half even to what does.

    Examples
    --------
    x = 10, 14 (lshift 4: 160, 224): mean 192, c = -32, 32, v = 1025, s = 5; beta 0: y = -256, 256.
    """

    def build(self, spec, build):
        layer, frac_bits = self.layer, spec.format.frac_bits
        self.bits = spec.format.grid.bits + (not spec.format.signed)
        pixels = int(np.prod(spec.shape[1:], dtype=np.int64))
        self.lshift = min(CENTRED, (61 - (build.batch_size * pixels).bit_length()) // 2 - self.bits)
        if self.lshift <= -self.bits // 2:
            raise RangeError(
                f"{layer.name}: sums over {build.batch_size} x {pixels} elements of {self.bits} bits "
                "leave no room for a variance; use a smaller batch"
            )
        frac_bits += self.lshift
        mean = Fixed(self.bits + self.lshift + MEAN_GUARD + 1, frac_bits + MEAN_GUARD)
        layer.running_mean = build.vector(layer.name, "mean", layer.channels, mean)
        variance = Fixed(63, 2 * frac_bits)
        layer.running_variance = build.vector(layer.name, "variance", layer.channels, variance)
        layer.bias = build.vector(layer.name, "bias", layer.channels, BETA)
        return replace(spec, format=OUTPUT, is_input=False, nonnegative=False)

    def forward(self, x, run):
        mean, variance, saved = self._of_batch(x, run) if run.keep else self._running()
        deviation = half_log(variance)
        bias = shifted(self.layer.bias.master.codes.astype(np.int64), BETA.frac_bits - FRAC)
        out = empty(x.codes.shape, np.int32, SUMS)
        run.kernels.shift_norm(
            out, x.codes, mean, bias, deviation - FRAC, self.lshift, OUTPUT.maximum)
        return Tensor(out, OUTPUT, x.axes), (x, mean, deviation, saved)

    def backward(self, e, saved, run):
        x, mean, deviation, (moments, count) = saved
        largest_k = half_log(3 * moments)           # |c| <= sqrt(sqrt(2) * moments)
        e, largest = self._with_room(e, 60 - int(largest_k.max()) - count.bit_length(), run)
        sums = run.kernels.shift_norm_error_sums(e.codes, x.codes, mean, self.lshift)
        sums = run.group.sum(sums)
        self.layer.bias.gradient = Tensor(sums[0], Fixed(64, e.format.frac_bits), "C")
        mean_e = divided(sums[0] << GUARD, count)
        factor, rshift = self._projection(sums, deviation, count, run)
        bound = bounds(largest, mean_e, factor, rshift, largest_k)
        top = int(min(deviation.max(), (30 - bound + deviation).min()))
        out = empty(x.codes.shape, np.int32, ERRORS)
        run.kernels.shift_norm_error(out, e.codes, x.codes, mean, mean_e, factor, rshift,
                                     top - deviation, self.lshift, GUARD)
        frac_bits = e.format.frac_bits + GUARD + top - self.lshift - x.format.frac_bits
        return Tensor(out, Fixed(32, frac_bits, symmetric=True), e.axes)

    def _of_batch(self, x, run):
        """(mean, variance, what backward needs) of the batch; the running ones follow."""
        kernels, layer = run.kernels, self.layer
        count = int(run.group.sum(np.array([x.codes.size // layer.channels]))[0])
        sums = run.group.sum(kernels.shift_norm_sums(x.codes, layer.channels))
        mean = divided(sums << max(self.lshift, 0), count << max(-self.lshift, 0))
        moments = run.group.sum(kernels.shift_norm_moments(x.codes, mean, self.lshift))
        variance = divided(moments, count) + 1
        follow(run, layer.running_mean, mean << MEAN_GUARD)
        follow(run, layer.running_variance, variance)
        return mean, variance, (moments, count)

    def _running(self):
        mean = self.layer.running_mean.master.codes.astype(np.int64)
        return shifted(mean, MEAN_GUARD), self.layer.running_variance.master.codes, None

    def _with_room(self, e, bits, run):
        """(e in 32 bits and at most `bits` significant ones, its largest magnitude)."""
        largest = run.group.maximum(run.kernels.max_abs(e.codes))
        dropped = max(0, largest.bit_length() - min(bits, 31))
        if not dropped and e.codes.itemsize <= 4:
            return e, largest
        fmt = Fixed(32, e.format.frac_bits - dropped, symmetric=True)
        e = ops.requantize(run.kernels, e, fmt, Rounding.HALF_EVEN)
        return e, (largest >> dropped) + 1

    def _projection(self, sums, deviation, count, run):
        """(factor, rshift) of each channel: the projection is AP2(c) * factor * 2**-rshift."""
        if run.scheme.projection == "published":
            return divided(sums[1], count), 2 * deviation - GUARD
        lshift = np.array([max(0, 58 - abs(int(p)).bit_length()) for p in sums[1]], np.int64)
        return (sums[1] << lshift) // np.maximum(sums[2], 1), lshift - GUARD


def half_log(v):
    """bit_length(v) >> 1 of every v >= 0: round(log2(sqrt v)), odd powers of two upwards.

    Examples
    --------
    1, 2, 7, 8, 31, 32: 0, 1, 1, 2, 2, 3.
    """
    return np.array([int(code).bit_length() >> 1 for code in v], np.int64)


def divided(a, count):
    """a / count, half up, without a sum that could overflow. a s64 (C,), count int >= 1."""
    quotient = a // count
    return quotient + (2 * (a - quotient * count) >= count)


def shifted(a, rshift):
    """a * 2**-rshift, half up, rshift >= 1."""
    return (a + (1 << (rshift - 1))) >> rshift


def follow(run, parameter, latest):
    """The running statistic, once the step is whole: r + ((latest - r) >> 3)."""
    running = parameter.master.codes.astype(np.int64)
    run.keep_later(parameter, running + ((latest - running) >> MEMORY))


def bounds(largest, mean_e, factor, rshift, k):
    """Bits of |e * 2**GUARD - mean_e - factor * 2**(k - rshift)| at most, channel by channel."""
    columns = zip(mean_e.tolist(), factor.tolist(), (k - rshift).tolist())
    sizes = ((largest << GUARD) + abs(m) + (abs(f) << max(n, 0) >> max(-n, 0)) + 1
             for m, f, n in columns)
    return np.array([size.bit_length() for size in sizes], np.int64)
