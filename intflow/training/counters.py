"""Counts of what became of the integers of a step: overflows, largest sums, zeros, lost updates.

Lingo: a *product* is one of a layer's three sums (forward, error, gradient), a *slot* one of the
places where a scheme narrows: weight, activation, error, update (W, A, E, G). All counts are
integers; shares and widths are made of them where they are shown.

    {"steps": 3, "layers": {
        "conv2d_1": {"products": {"forward": {"overflows", "saturations", "largest"}, ...},
                     "slots": {"weight": {"zeros", "size"},
                               "update": {"nothing", "clipped", "size"}}},
        "requantize_1": {"slots": {"activation": {"saturated", "zeros", "size"},
                                   "error": {"saturated", "zeros", "size"}}},
        "loss": {"slots": {"error": {...}}}}}
"""


BITS, FRACTION = "bits", "_fraction"


class Counters:
    """The counts of one step, or the sums over several.

    Parameters
    ----------
    stop_on_overflow : bool; raise OverflowStop at the first product that overflows. The step is
        then abandoned before any weight has changed, and counts nothing.

    Attributes
    ----------
    steps : int; steps that were counted.
    layers : dict, see the head of this file. Its sums run over the elements of all steps; largest
        is the maximum over them.

        products : overflows are values that did not fit the device's accumulator, saturations
        those of them that it clipped; both are 0 without a device, where every width is proven.
        largest is the largest magnitude, in units of the product of the operands' steps: of
        the finished sums, and of partial sums too where a device checks those.

        weight : zeros among the codes that enter the products.

        activation : saturated are values outside the range before rounding; zeros are codes.

        error : saturated are codes at either end of the range, which is every clipped error and
        those that reached the end by rounding. "loss" is the error of the loss, as the last layer
        gets it; a layer with products has a slot of its own where its error had to be narrowed
        once more, because an average widened it.

        update : nothing are updates that rounded to 0 although their gradient was not 0; clipped
        are weights that the limit of the master kept from their update.

    Examples
    --------
    Gradients (4, -3, 0), updates (-2, 0, 0), the first weight 64 at its limit 64: nothing 1 (the
    -3), clipped 1 (64 + 2 stays 64), size 3.
    """

    def __init__(self, stop_on_overflow=False):
        self.stop_on_overflow = stop_on_overflow
        self.steps, self.layers = 0, {}

    def add(self, counts):
        """Add what `to_dict` or `report` gave elsewhere; returns this object."""
        self.steps += counts.get("steps", 0)
        add_counts(self.layers, counts.get("layers", {}))
        return self

    def to_dict(self):
        """Steps and layers as a plain dictionary; {} where no step was counted."""
        return {"steps": self.steps, "layers": self.layers} if self.steps else {}


def add_counts(total, counts):
    """Add nested counts in place: sums, of largest the maximum; nothing that `report` derived."""
    for key, value in counts.items():
        if isinstance(value, dict):
            add_counts(total.setdefault(key, {}), value)
        elif key != BITS and not key.endswith(FRACTION):
            known = total.get(key, 0)
            total[key] = max(known, value) if key == "largest" else known + value


def needed_bits(largest):
    """Width of the narrowest signed accumulator that holds +-largest, sign included.

    Examples
    --------
    127: 8; 128: 9; 0: 1.
    """
    return largest.bit_length() + 1


def report(counts):
    """`to_dict` for metrics and tables: bits beside every largest, a fraction beside every count.

    bits is the width of the narrowest accumulator that would have held every sum. Where one
    overflowed that is checked on its way, the sum went on from the fitted value, and bits is
    what was seen.
    """
    if not counts:
        return {}
    layers = {name: {kind: {key: _described(values) for key, values in group.items()}
                     for kind, group in layer.items()}
              for name, layer in counts["layers"].items()}
    return {"steps": counts["steps"], "layers": layers}


def _described(values):
    """One product with its bits, or one slot with fractions of its size."""
    if "largest" in values:
        return {**values, BITS: needed_bits(values["largest"])}
    size = max(1, values["size"])
    fractions = {name + FRACTION: round(count / size, 6)
                 for name, count in values.items() if name != "size"}
    return {**values, **fractions}
