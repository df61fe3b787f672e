"""The three products that Conv2d and Linear share: forward, error, gradient; and their bias."""

from math import prod

from .. import ops
from .layer import Layer, Spec


class Weighted(Layer):
    """A layer with one weight: y = product(x, W) + b, e' = product(e, W), g = product(x, e).

    Subclasses set `window` and `has_bias`, and end `build` with `finish_build`. The bias is there
    where the layer has one and the scheme keeps biases, or where a batch norm is folded into the
    layer; it lies at the step of the product, so the sum is exact.

    bound_bits : {"forward", "error", "gradient": bits that hold every accumulator}, proven for the
    batch size of the build. Errors that an overlapping pool widened are proven when they come.
    sums : {"forward", "error", "gradient": (format, format of the operands, products in one sum)}.
    """

    window = ops.Window((1, 1))
    has_bias = False
    folds = None                    # the BatchNorm2d that is folded into this layer
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
            "gradient": (spec.format, error, pixels * build.batch_size),
        }
        self.sums = products
        self.multiplications = fan_in * prod(shape)
        self.bound_bits = {name: ops.bound_bits(*product) for name, product in products.items()}
        proven = {name: self.proven(ops.accumulator, *p) for name, p in products.items()}
        product = build.scheme.product_format(self.name, proven["forward"])
        if not build.scheme.biases or not (self.has_bias or self.folds):
            return Spec(shape, product)
        fmt = build.scheme.bias_format(self.name, product)
        self.bias = build.vector(self.name, "bias", shape[0], fmt)
        return Spec(shape, self.proven(ops.sum_format, product, fmt))

    def parameters(self):
        return [p for p in (self.weight, self.bias) if p is not None]

    def forward(self, x, run):
        w = run.scheme.weight(run.kernels, self.weight, run.address("weight", self))      # [W]
        run.record(self, weight=self.weight.master, weight_q=w)
        y = run.products.forward(self.name, x, w, self.window)
        if self.bias is not None:
            run.record(self, bias=self.bias.master)
            y = ops.add_channels(run.kernels, y, self.bias.master)
        return y, (x, w)

    def backward(self, e, saved, run):
        x, w = saved
        narrow = run.scheme.operand(run.kernels, e, run.address("error", self))
        if narrow is not e:
            run.record(self, error_q=narrow)        # what the products see of a wide error_in
        e = narrow
        self.weight.gradient = run.products.gradient(self.name, x, e, self.window, w.codes.shape)
        run.record(self, gradient=self.weight.gradient)
        if self.is_first and run.recorder is None:
            return None                                     # nobody needs the error at the images
        return run.products.error(self.name, e, w, self.window, x.codes.shape)
