"""What the C export refuses, in one line each."""

from ...errors import ExportError
from ...ops import WIDEST_OPERAND, Products
from ...quantizers import Wage
from .step import ERRORS

MAX_STEP = (1 << 32) - 1


def check(trainer, batch_size):
    """Raise ExportError where C code would not compute what this trainer computes."""
    scheme, network = trainer.scheme, trainer.network
    if type(scheme) is not Wage:
        raise ExportError(f"C is written for the scheme wage, got {scheme.name}; export it as hex")
    if trainer.loss.name not in ERRORS:
        known = " and ".join(ERRORS)
        raise ExportError(f"C is written for the losses {known}, got {trainer.loss.name}; use one")
    if not 1 <= batch_size <= network.batch_size:
        raise ExportError(
            f"the accumulators are proven for batches of 1 to {network.batch_size}, got "
            f"{batch_size}; use a smaller --batch-size"
        )
    if any(parameter.state for parameter in network.parameters):
        raise ExportError(
            "C is written for the optimiser sgd, and this one keeps state; export it as hex"
        )
    if not network.parameters:
        raise ExportError("the net has no weights to export; add a Linear or Conv2d")
    _check_roundings(scheme)
    _check_products(network, scheme)


def _check_roundings(scheme):
    for slot, rounding in scheme.rounding.items():
        if rounding is not scheme.roundings[slot]:
            raise ExportError(
                f"C is written for {scheme.roundings[slot]} in the {slot} slot, got {rounding}; "
                "export a run without this device"
            )
    if scheme.random is not None and scheme.random.kind != "philox":
        raise ExportError(
            f"C draws its random numbers from philox, got {scheme.random.kind}; export a run "
            "without this device"
        )


def _check_products(network, scheme):
    """Exact sums, or a device whose accumulators are wide enough to be exact."""
    if type(network.products) is Products:
        return
    device = getattr(network.products, "device", None)
    # Overlapping pools widen errors behind the proof of the build, up to the widest operand.
    spare = {"forward": 0, "error": WIDEST_OPERAND - scheme.error_bits}
    spare["gradient"] = spare["error"]
    for layer in network.layers.walk():
        for product, bits in getattr(layer, "bound_bits", {}).items():
            bits += spare[product]
            accumulator = getattr(device, product, None)
            if accumulator is None or accumulator.bits < bits or accumulator.product_bits \
                    or accumulator.drop_bits:
                raise ExportError(
                    f"{layer.name} {product}: C sums exactly and needs {bits} bits, the device "
                    f"has {getattr(accumulator, 'bits', 'others')}; export a run without it"
                )
