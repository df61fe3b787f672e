"""Normalisation by the statistics of the batch, in integers."""

from dataclasses import replace

from ... import ops
from ...formats import Fixed, Rounding
from ...ops import normalise as arithmetic
from .norm import Norm

PARAMETER = Fixed(16, arithmetic.OUTPUT.frac_bits, symmetric=True)


class Integer(Norm):
    """y = gamma * (x - mean) / sqrt(variance + epsilon) + beta; the formulas: ops/normalise.py.

    x : at most 32 bits -> y : 28 bits, 12 of them fraction bits.

    Training takes mean and variance of the batch, of all workers that share it, from exact sums,
    and moves the running ones, m <- m + (new - m) * `scheme.statistics_momentum`; evaluation takes
    the running ones. gamma and beta have 16 bits, 12 of them fraction bits.

    backward: the error at x by the exact formula, 31 bits; an error of more bits than that is first
    rounded half even to them.

    Examples
    --------
    Codes 1, 3 in one channel, gamma 1, beta 0: mean 2, variance 1, y = -1, 1 (-4096, 4096).
    """

    is_scale_free = True

    def build(self, spec, build):
        layer, fmt = self.layer, spec.format
        if fmt.bits > arithmetic.WIDEST_INPUT:
            layer.refuse(f"sums of at most {arithmetic.WIDEST_INPUT} bits", spec,
                         f"they have {fmt.bits}; use fewer bits")
        count = build.batch_size
        for size in spec.shape[1:]:
            count *= size
        if count > arithmetic.MOST:
            layer.refuse(f"at most {arithmetic.MOST} numbers a channel", spec,
                         f"a batch of {build.batch_size} has {count}; use a smaller batch")
        self._make_parameters(fmt, build)
        return replace(spec, format=arithmetic.OUTPUT, is_input=False, nonnegative=False)

    def _make_parameters(self, fmt, build):
        layer, guard = self.layer, arithmetic.guard_of(fmt)
        formats, name, n = build.scheme.formats, layer.name, layer.channels
        gamma = formats.get(f"{name}.scale", PARAMETER)
        layer.scale = build.vector(name, "scale", n, gamma, 1 << gamma.frac_bits)
        layer.bias = build.vector(name, "bias", n, formats.get(f"{name}.bias", PARAMETER))
        mean = Fixed(64, fmt.frac_bits + guard, symmetric=True)
        variance = Fixed(64, 2 * mean.frac_bits, symmetric=True)
        one = 1 << min(max(variance.frac_bits, 0), 61)
        layer.running_mean = build.vector(name, "mean", n, mean)
        layer.running_variance = build.vector(name, "variance", n, variance, one)

    def forward(self, x, run):
        layer = self.layer
        if not run.keep:
            means, variances = (p.master.codes.tolist()
                                for p in (layer.running_mean, layer.running_variance))
            means = means, 1 << arithmetic.guard_of(x.format)
            return self._normalise(run, x, means, variances)[0], None
        sums = layer.proven(ops.channel_sums, run.kernels, x, x, run.group)
        guard = arithmetic.guard_of(x.format)
        variances = arithmetic.variances(sums, guard)
        self._move_statistics(run, sums, variances, guard)
        y, spreads = self._normalise(run, x, (sums.totals, sums.count), variances)
        return y, (x, sums, spreads)

    def _normalise(self, run, x, means, variances):
        layer = self.layer
        epsilon = arithmetic.epsilon_units(layer.epsilon, x.format)
        spreads = [v + epsilon for v in variances]
        gamma, beta = layer.scale.master, layer.bias.master
        return arithmetic.normalise(run.kernels, x, means, spreads, gamma, beta), spreads

    def _move_statistics(self, run, sums, variances, guard):
        means = [arithmetic.rdiv(s << guard, sums.count) for s in sums.totals]
        rate = run.scheme.statistics_momentum
        p, q = rate.numerator, rate.denominator
        layer = self.layer
        for parameter, new in ((layer.running_mean, means), (layer.running_variance, variances)):
            old = parameter.master.codes.tolist()
            run.keep_later(parameter, [arithmetic.rdiv((q - p) * a + p * b, q)
                                       for a, b in zip(old, new)])

    def backward(self, e, saved, run):
        layer, (x, forward, spreads) = self.layer, saved
        if e.format.bits > arithmetic.ERROR_BITS:
            address = run.address("error", layer)
            e = ops.requantize_by_maximum(
                run.kernels, e, arithmetic.ERROR_BITS, Rounding.HALF_EVEN, address)
        sums = layer.proven(ops.channel_sums, run.kernels, e, x, run.group)
        below, layer.scale.gradient, layer.bias.gradient = arithmetic.normalise_error(
            run.kernels, e, x, layer.scale.master, forward, spreads, sums)
        return below
