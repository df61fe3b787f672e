"""The three products that Conv2d and Linear share: forward, error, gradient."""

from math import prod

from .. import ops
from ..errors import FormatError
from .layer import Layer, Spec


class Weighted(Layer):
    """A layer with one weight: y = product(x, W), e' = product(e, W), g = product(x, e).

    Subclasses set `window` and end `build` with `finish_build`.

    bound_bits : {"forward", "error", "gradient": bits that hold every accumulator}, proven for the
    batch size of the build. Errors that an overlapping pool widened are proven when they come.
    sums : {"forward", "error", "gradient": (format, format of the operands, products in one sum)}.
    """

    window = ops.Window((1, 1))
    weight = None
    is_first = False

    def finish_build(self, spec, build, weight_shape, fan_in, terms, pixels, shape):
        """Make the weight and prove the three accumulators; returns the output's Spec.

        terms : products in one error sum; pixels : products per image in one gradient sum.
        """
        if spec.format.bits > ops.WIDEST_OPERAND:
            self.refuse(f"activations of at most {ops.WIDEST_OPERAND} bits", spec,
                        f"they have {spec.format.bits}, so put Requantize before it")
        self.is_first = spec.is_input
        self.weight = build.parameter(self.name, weight_shape, fan_in)
        self.weight_format = build.scheme.weight_format(fan_in)
        error = build.scheme.error_format()
        products = {
            "forward": (spec.format, self.weight_format, fan_in),
            "error": (error, self.weight_format, terms),
            "gradient": (spec.format, error, pixels * build.batch_size),
        }
        self.sums = products
        self.multiplications = fan_in * prod(shape)
        self.bound_bits = {name: ops.bound_bits(*product) for name, product in products.items()}
        accumulators = self._prove(products)
        return Spec(shape, accumulators["forward"])

    def _prove(self, products):
        """The accumulators of the three products, or FormatError with this layer's name."""
        try:
            return {name: ops.accumulator(*product) for name, product in products.items()}
        except FormatError as error:
            raise FormatError(f"{self.name}: {error}")

    def parameters(self):
        return [self.weight]

    def forward(self, x, run):
        w = run.scheme.weight(run.kernels, self.weight, run.address("weight", self))      # [W]
        run.record(self, weight=self.weight.master, weight_q=w)
        return run.products.forward(self.name, x, w, self.window), (x, w)

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
