"""A fixed-point device under the engine: accumulators, rounding, random source, trace, verify.

    Trainer("lenet", device="acc16-saturate-each")
    Trainer("lenet", device=Device(forward=Accumulator(20, "saturate", "product", order="IHW")))

`device.py` says what a chip is, `accumulator.py` how it sums, `order.py` in which order.
"""

from .accumulator import Accumulator
from .device import Device
from .presets import PRESETS
from .products import DeviceProducts
from .random import Lfsr, Philox

__all__ = ["PRESETS", "Accumulator", "Device", "DeviceProducts", "Lfsr", "Philox"]
