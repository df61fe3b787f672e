"""The forward pass and the training step of a network as programs.

The counterpart of `training/step.py`: encode, forward, loss, [E], backward with the updates.
"""

from dataclasses import dataclass
from math import prod

from ...errors import ExportError
from .layers import LAYERS_IN_C
from .program import Program, storage
from .values import Value, narrowed


@dataclass
class Step:
    """One program, cut where its C functions begin.

    output : Value; what the last layer makes.
    forward, backward : lines of C.
    pools : {type: elements}
    """

    program: Program
    output: Value
    forward: list
    backward: list
    pools: dict


def inference(trainer, images):
    """The forward pass alone: nothing is kept."""
    program = _program(trainer, images, training=False)
    y, _ = _forward(program, trainer)
    return Step(program, y, program.lines, [], program.plan())


def training(trainer, images):
    """The whole step."""
    program = _program(trainer, images, training=True)
    y, saved = _forward(program, trainer)
    lines, program.lines = program.lines, []
    e = narrowed(program, _loss(program, trainer, y), "error", program.error_bits)
    program.backward(trainer.network.layers, e, saved)
    return Step(program, y, lines, program.lines, program.plan())


def _program(trainer, images, training):
    scheme = trainer.scheme
    return Program(images, training, scheme.error_bits, scheme.master_limit(), LAYERS_IN_C)


def _forward(program, trainer):
    network, fmt = trainer.network, trainer.encoder.format
    x = program.buffer("input", storage(fmt.bits), prod(network.input_shape))
    value = Value(x, network.input_shape, fmt)
    program.call("encode", (x.type,), x, "images", value.count, "intflow_encode_table")
    return program.forward(network.layers, value)


# name of a loss -> (type, bits, frac_bits or None for the output's) of its error
ERRORS = {"sse": ("s64", 64, None), "softmax": ("s32", 32, 15)}


def _loss(program, trainer, y):
    """The error at the outputs, wide."""
    kind, bits, frac_bits = ERRORS[trainer.loss.name]
    check_outputs(trainer.loss.name, y, program.images)
    e = program.buffer("loss_error", kind, y.size)
    program.call(trainer.loss.name, (y.type,), e, y.buffer, "labels", "n", y.size,
                 y.format.frac_bits, "result")
    frac_bits = y.format.frac_bits if frac_bits is None else frac_bits
    variable = program.format(f"intflow_make_format({bits}, {frac_bits})")
    return Value(e, y.shape, bits=bits, variable=variable)


def check_outputs(loss, y, images):
    """Refuse outputs so wide that a loss in 64 bits could not hold them."""
    bits, frac_bits = y.format.bits, y.format.frac_bits
    fits = max(bits, frac_bits + 1) <= 62
    if loss == "softmax":       # differences of outputs, times log2(e) or summed over the batch
        lift = max(0, 16 - frac_bits) + images.bit_length()
        fits = fits and bits + max(11, lift) <= 62 and y.size < 1 << 16
    if not fits or frac_bits < 0:
        raise ExportError(
            f"the {loss} loss of {y.size} outputs of {bits} bits, {frac_bits} of them fraction, "
            "needs more than 64 bits; end the net in Requantize"
        )
