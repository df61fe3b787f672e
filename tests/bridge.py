"""Between the oracle's nested lists and the engine's tensors: the doors of the comparing tests.

Nothing is computed here; axes are moved and descriptions of layers become layers.
"""

import functools

import numpy as np

import intflow
import oracle
from intflow.formats import Fixed, Tensor
from intflow.kernels import available, load
from intflow.ops import Products
from intflow.layers import (
    AvgPool2d,
    Build,
    Concatenate,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Requantize,
    Residual,
    Run,
    Sequential,
    Spec,
)
from intflow.quantizers import make_scheme

BACKENDS = [name for name, (usable, _) in available().items() if usable]
FROM_LOGICAL = {"HWNC": (2, 3, 0, 1), "HWIO": (2, 3, 1, 0), "IO": (1, 0), "NC": (0, 1)}

kernels = functools.cache(load)


def legal_width(bits):
    """The declared width that an engine format has: 32 bits or fewer, else 64."""
    return bits if bits <= 32 else 64


def to_engine(tensor):
    """Activations or errors of the oracle as an engine Tensor, HWNC or NC."""
    axes = "HWNC" if len(oracle.shape_of(tensor.codes)) == 4 else "NC"
    fmt = Fixed(legal_width(tensor.bits), tensor.frac_bits, symmetric=True)
    codes = np.array(tensor.codes, np.int64).transpose(FROM_LOGICAL[axes])
    return Tensor(np.ascontiguousarray(codes.astype(fmt.dtype)), fmt, axes)


def put_codes(tensor, nested):
    """Overwrite the codes of an engine tensor with a nested list in logical order."""
    tensor.codes[...] = np.array(nested, np.int64).transpose(FROM_LOGICAL[tensor.axes])


def assert_equal(engine, expected, what):
    """Same codes, same exponent, and codes within the declared format."""
    assert engine.logical().tolist() == expected.codes, what
    assert engine.format.frac_bits == expected.frac_bits, what
    engine.check()


def assert_codes(engine, nested, what):
    """Same codes in logical order."""
    assert engine.logical().tolist() == nested, what
    engine.check()


def bits_name(bits):
    """W4A8G12E10 of (4, 8, 12, 10)."""
    return "".join(letter + str(count) for letter, count in zip("WAGE", bits, strict=True))


def oracle_bits(bits):
    """32 is wide: 16-bit operands for W, A and E, a 32-bit master for G (engine rule)."""
    kW, kA, kG, kE = (16 if count == 32 else count for count in bits)
    return kW, kA, bits[2], kE


OPTIONS = {
    "conv2d": "out_channels kernel_size stride padding dilation groups",
    "linear": "out_features",
    "max_pool2d": "kernel_size stride padding",
    "avg_pool2d": "kernel_size stride",
}
SIMPLE = {
    "conv2d": Conv2d,
    "linear": Linear,
    "max_pool2d": MaxPool2d,
    "avg_pool2d": AvgPool2d,
    "relu": ReLU,
    "flatten": Flatten,
    "requantize": Requantize,
}


def engine_layer(description, pairs):
    """The engine's layer of an oracle description (not yet built).

    Appends (description, layer) to pairs.
    """
    kind = description["kind"]

    def sequence(inner):
        return [engine_layer(layer, pairs) for layer in inner]

    if kind in SIMPLE:
        names = OPTIONS.get(kind, "").split()
        layer = SIMPLE[kind](**{name: description[name] for name in names if name in description})
    elif kind == "sequential":
        layer = Sequential(*sequence(description["body"]))
    elif kind == "residual":
        body, shortcut = sequence(description["body"]), sequence(description.get("shortcut", []))
        layer = Residual(*body, shortcut=Sequential(*shortcut) if shortcut else None)
    elif kind == "concatenate":
        layer = Concatenate(*[sequence(branch) for branch in description["branches"]])
    pairs.append((description, layer))
    return layer


class Twin:
    """One layer twice: in the oracle, and in the engine on one backend, with equal weights.

    description : dict of the oracle.
    bits : (W, A, G, E), 32 for wide.
    x : oracle Tensor; the first input.
    """

    def __init__(self, description, bits, x, backend, seed=1, threads=1):
        self.bits, self.layers = oracle_bits(bits), oracle.copied([description])
        self.layer = engine_layer(self.layers[0], [])
        self.scheme = make_scheme("wage", bits_name(bits))
        self.kernels = kernels(backend, threads)
        codes = to_engine(x)
        oracle.build(self.layers, oracle.shape_of(x.codes)[1:], self.bits, seed)
        build = Build(self.scheme, self.kernels, seed, oracle.shape_of(x.codes)[0])
        self.spec = self.layer.build(Spec(oracle.shape_of(x.codes)[1:], codes.format), build)
        self.parameters = build.parameters
        self.run = Run(self.kernels, self.scheme, Products(self.kernels))

    def forward(self, x):
        """(engine's y, oracle's y)."""
        y, self.saved = self.layer.forward(to_engine(x), self.run)
        return y, oracle.forward(self.layers, x, self.bits)

    def backward(self, e):
        """(engine's error, oracle's error)."""
        below = self.layer.backward(to_engine(e), self.saved, self.run)
        return below, oracle.backward(self.layers, e, self.bits)

    def assert_forward(self, x):
        """Equal outputs, of the shape and step that `build` announced."""
        y, expected = self.forward(x)
        assert_equal(y, expected, "output")
        assert y.format == self.spec.format
        assert oracle.shape_of(expected.codes)[1:] == self.spec.shape
        return expected

    def assert_backward(self, e):
        """Equal errors below and equal gradients."""
        assert_equal(*self.backward(e), "error")
        for parameter, layer in zip(self.parameters, oracle.parameters(self.layers), strict=True):
            assert_codes(parameter.gradient, layer["gradient"], "gradient")


class TwinTrainer:
    """A whole net twice, stepped together through `intflow.Trainer`."""

    def __init__(self, descriptions, bits, input_shape, backend, **options):
        self.descriptions, self.pairs = oracle.copied(descriptions), []
        self.bits, self.options = oracle_bits(bits), options
        layers = Sequential(*[engine_layer(d, self.pairs) for d in self.descriptions])
        self.trainer = intflow.Trainer(
            layers, bits_name(bits), input_shape=input_shape, backend=backend, **options
        )
        oracle.build(self.descriptions, input_shape, self.bits, options["seed"])
        self.assert_weights("initial weight")

    def assert_weights(self, what):
        """Every master weight equal."""
        parameters = self.trainer.network.parameters
        for parameter, layer in zip(
            parameters, oracle.parameters(self.descriptions), strict=True
        ):
            assert parameter.index == layer["tensor"]
            assert_codes(parameter.master, layer["master"], what)

    def assert_step(self, images, labels, record):
        """One step in both; with `record` every tensor of it, else the weights after it."""
        number, options = self.trainer.steps, self.options
        before = oracle.parameters(self.descriptions)
        masters = {layer["tensor"]: layer["master"] for layer in before}
        output, error = oracle.train_step(
            self.descriptions, images, labels, self.bits, options["lr"], options["seed"], number,
            options["encoding"], options["loss"],
        )  # fmt: skip
        result = self.trainer.step(np.array(images, np.uint8), np.array(labels), record=record)
        self.assert_weights(f"weight after step {number}")
        if options["loss"] == "sse":
            total, frac_bits = result.loss
            assert oracle.Fraction(total, 2**frac_bits) == oracle.sse_loss(output, labels)
        wrong = [row.index(max(row)) != label for row, label in zip(output.codes, labels)]
        assert result.wrong == sum(wrong)
        if record:
            assert_equal(result.recorder.step["error"], error, "error of the loss")
            for description, layer in self.pairs:
                tensors = result.recorder.layers[layer.name]
                self.assert_recorded(layer.name, tensors, description, masters)

    @staticmethod
    def assert_recorded(name, tensors, layer, masters):
        """What the recorder kept of one layer."""
        for what in ("input", "output", "error_in", "error_out"):
            if what in tensors or what != "error_out":
                assert_equal(tensors[what], layer[what], f"{what} of {name}")
        if "master" in layer:
            assert_equal(tensors["weight_q"], layer["weight"], f"weight_q of {name}")
            assert_codes(tensors["weight"], masters[layer["tensor"]], f"weight of {name}")
            for what in ("gradient", "update"):
                assert_codes(tensors[what], layer[what], f"{what} of {name}")
            assert_codes(tensors["weight_new"], layer["master"], f"weight_new of {name}")
