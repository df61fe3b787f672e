"""What every export says of a network: its tensors, their formats, where they come from."""

from .. import __version__
from ..errors import ExportError
from ..formats import Fixed, PowerOfTwo, Rounding, Tensor, format_name


def tensors(trainer):
    """{name: Tensor} of a network's parameters, in order of the layers.

    `conv2d_1.weight` is the stored master weight, `conv2d_1.weight_q` the codes in products;
    biases and multipliers (`conv2d_1.bias`, `batch_norm2d_1.scale`) enter sums as they are.
    """
    named = {}
    for parameter in trainer.network.parameters:
        named[parameter.name] = parameter.master
        if parameter.role == "weight":
            named[f"{parameter.name}_q"] = weight_codes(trainer, parameter)
    return named


def weight_codes(trainer, parameter):
    """The codes of a weight that enter products, as a Tensor.

    Raises
    ------
    ExportError : under a device that draws them anew in every step.
    """
    if trainer.scheme.rounding["weight"] is Rounding.STOCHASTIC:
        raise ExportError("under this device's stochastic rounding weights have other codes in every "
                          "step; export a run without this device")
    return trainer.scheme.weight(trainer.kernels, parameter)


def describe_tensor(tensor):
    """Shape in logical order, axes and format of a tensor, as plain values; see `code_format`."""
    return dict(axes=tensor.logical_axes, shape=list(tensor.logical().shape),
                **code_format(tensor.format))


def describe_network(source):
    """Model, settings, digest and formats at the network's ends, as plain values."""
    trainer, attributes = source
    network, config = trainer.network, attributes.get("config")
    about = dict(
        intflow=__version__, scheme=trainer.scheme.name, bits=str(trainer.scheme.bits),
        seed=network.seed, steps=trainer.steps, digest=trainer.digest(),
        input=dict(shape=list(network.input_shape), encoding=trainer.encoder.name,
                   **code_format(trainer.encoder.format)),
        output=dict(shape=list(network.output.shape), **code_format(network.output.format)),
    )
    if config is not None:
        about = {"model": config.model, "width": config.width, **about}
    if "class_names" in attributes:
        about["class_names"] = attributes["class_names"]
    return about


def code_format(fmt):
    """A format as plain values: its name and bits; of fixed point and powers of two step and sign.

    The name of a minifloat says its fields: e4m3b16 is a sign, 4 bits of exponent with bias 16, and 3 of
    mantissa.
    """
    plain = dict(format=format_name(fmt), bits=fmt.bits)
    if isinstance(fmt, (Fixed, PowerOfTwo)):
        return {**plain, "frac_bits": fmt.frac_bits, "signed": fmt.signed}
    return plain


def input_tables(trainer):
    """{"input_table": the code of every byte of an image, Tensor (256,) of axis B}.

    Empty where images are centred: the encoding's name then says what is taken from each channel.
    """
    encoder = trainer.encoder
    if encoder.centres is not None:
        return {}
    return {"input_table": Tensor(encoder.table, encoder.format, "B")}
