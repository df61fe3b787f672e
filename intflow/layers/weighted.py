"""The three products that Conv2d and Linear share: forward, error, gradient; and their bias."""

from math import prod

from .. import ops
from ..errors import UsageError
from .layer import Layer, Spec


class Weighted(Layer):
    """A layer with one weight: y = product(x, W) + b, e' = product(e, W), g = product(x, e).

    Subclasses set `window` and `has_bias`, and end `build` with `finish_build`. The bias is there
    where the layer has one and the scheme keeps biases, or where a batch norm is folded into the
    layer; it lies at the step of the product, so the sum is exact.

    factors : format of a multiplier a channel that brings the sums to their true size, as
        `scheme.factors` gives it, or None; the error on its way back is multiplied by it as well.
    bound_bits : {"forward", "error", "gradient": bits that hold every accumulator}, proven for the
    batch size of the build. Errors that an overlapping pool widened are proven when they come.
    sums : {"forward", "error", "gradient": (format, format of the operands, products in one sum)}.
    """

    window = ops.Window((1, 1))
    has_bias = False
    folds = None                    # the BatchNorm2d that is folded into this layer
    normalised = False              # whether one follows that no constant factor matters to
    factors = None                  # format of what multiplies the sums of each channel
    weight = bias = None
    is_first = False

    def finish_build(self, spec, build, weight_shape, fan_in, terms, pixels, shape):
        """Make the weight and prove the three accumulators; returns the output's Spec.

        terms : products in one error sum; pixels : products per image in one gradient sum.
        """
        bits = spec.format.bits + (not spec.format.signed)
        if bits > ops.WIDEST_OPERAND:
            self.refuse(f"activations of at most {ops.WIDEST_OPERAND} bits, sign included", spec,
                        f"they have {bits}, so put Requantize before it")
        self.is_first = spec.is_input
        self.weight = build.parameter(self.name, weight_shape, fan_in)
        self.weight_format = build.scheme.weight_format(self.name, fan_in)
        error = build.scheme.error_format()
        products = {
            "forward": (spec.format, self.weight_format, fan_in),
            "error": (error, self.weight_format, terms),
            "gradient": (spec.format, error, pixels * spec.steps * build.batch_size),
        }
        self.sums = products
        self.multiplications = fan_in * prod(shape) * spec.steps
        self.bound_bits = {name: ops.bound_bits(*product) for name, product in products.items()}
        proven = {name: self.proven(ops.accumulator, *p) for name, p in products.items()}
        product = build.scheme.product_format(self.name, proven["forward"])
        self.factors = None if self.normalised else build.scheme.factor_format(self, spec)
        if self.factors:
            product = self.proven(ops.accumulator, product, self.factors, 1)
        if not build.scheme.biases or not (self.has_bias or self.folds):
            return Spec(shape, product, steps=spec.steps)
        fmt = build.scheme.bias_format(self.name, product)
        self.bias = build.vector(self.name, "bias", shape[0], fmt)
        return Spec(shape, self.proven(ops.sum_format, product, fmt), steps=spec.steps)

    def parameters(self):
        return [p for p in (self.weight, self.bias) if p is not None]

    def forward(self, x, run):
        w = self.read(run)
        factors = run.scheme.factors(run.kernels, self) if self.factors else None
        return self.multiply(x, w, run, factors), (x, w, factors)

    def backward(self, e, saved, run):
        e = self.learn(e, saved, run)
        if self.is_first and run.recorder is None:
            return None                                     # nobody needs the error at the images
        return self.send(e, saved, run)

    def read(self, run):
        """The weights as products take them."""
        w = self.weight.codes or self.narrowed_weight(run)                                # [W]
        run.record(self, weight=self.weight.master, weight_q=w)
        return w

    def narrowed_weight(self, run):
        """What the products read of the stored weight."""
        return run.scheme.weight(run.kernels, self.weight, run.address("weight", self))

    def compact(self, run):
        """Keep the codes of the products, and nothing else of the weight."""
        if self.factors:
            raise UsageError(f"{self.name} is scaled by its stored weights under "
                             f"{run.scheme.name}; keep them")
        self.weight.codes = self.narrowed_weight(run)
        self.weight.empty()

    def multiply(self, x, w, run, factors=None):
        """The forward product, with its factors and its bias where it has them."""
        y = run.products.forward(self.name, x, w, self.window)
        if factors is not None:
            y = ops.multiply_channels(run.kernels, y, factors)
        if self.bias is None:
            return y
        run.record(self, bias=self.bias.master)
        return ops.add_channels(run.kernels, y, self.bias.master)

    def learn(self, e, saved, run):
        """The gradients; returns e as narrow as products take it."""
        x, w, factors = saved
        if self.bias is not None and "bias" in run.scheme.trained:
            self.bias.gradient = ops.sum_channels(e, run.group)
        if factors is not None:
            e = ops.multiply_channels(run.kernels, e, factors)
        narrow = run.scheme.operand(run.kernels, e, run.address("error", self))
        if narrow is not e:
            run.record(self, error_q=narrow)        # what the products see of a wide error_in
        self.weight.gradient = None                         # that of the last step makes room
        gradient = run.products.gradient(self.name, x, narrow, self.window, w.shape)
        pixels = prod(narrow.shape[:-2])
        self.weight.gradient = run.sum_gradient(gradient, x.format, narrow.format, pixels)
        run.record(self, gradient=self.weight.gradient)
        return narrow

    def send(self, e, saved, run):
        """The error product."""
        x, w, _ = saved
        return run.products.error(self.name, e, w, self.window, x.shape)
