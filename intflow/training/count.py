"""What `intflow count` reports: a network is planned, its step counted, in integers and in floats.

A plain dictionary, ready for JSON; exact integers are counts, floats are picojoules and seconds.
"""

from ..costs import (
    FLOATS, Counts, Floats, compute_cost, count_step, exchange_of, narrow_bits, product_sizes,
    sent_bytes, slots_of, totals,
)
from ..errors import UnknownNameError, UsageError
from ..losses import LOSSES
from ..models import find_model, make_layers
from ..quantizers import make_scheme
from .network import Network
from .schedule import parse_rate
from .setup import parse_width


class Plan:
    """A network that is counted but never run.

    Parameters
    ----------
    model, bits, scheme, width, scheme_options : as `intflow train` takes them.
    classes, batch_size, loss, lr : the model's where left out.

    Attributes
    ----------
    training : whether there is a backward pass; `why_not` says in a line why there is none.
    """

    def __init__(self, model, bits=None, scheme="wage", width="1", classes=None, batch_size=None,
                 loss=None, lr=None, scheme_options=None):
        entry = find_model(model)
        if loss is not None and loss not in LOSSES:
            raise UnknownNameError("loss", loss, LOSSES)
        self.model, self.width = model, parse_width(width)
        self.classes = classes or entry.classes
        self.batch_size = batch_size or entry.batch_size
        self.scheme = make_scheme(
            scheme, bits, options=scheme_options, recurrent=bool(entry.text))
        if self.scheme.tunes:
            self.scheme.tune()
        self.network = self._network(self.width)
        self.training, self.why_not = True, None
        try:
            self.network.require_trainable()
        except UsageError as error:
            self.training, self.why_not = False, str(error)
        self.loss = (loss or self.scheme.loss_for(entry.loss)) if self.training else None
        self.rate = parse_rate(lr) if lr else self.scheme.recipe(entry)["lr"]

    def _network(self, width):
        layers = make_layers(self.model, self.classes, width)
        shape = find_model(self.model).input_shape
        return Network(layers, shape, self.scheme, None, 1, self.batch_size)

    def rows(self, slots=None, workers=1):
        """{layer: {pass: Counts}}, in the scheme's integers or in floats."""
        slots = slots or slots_of(self.scheme)
        return count_step(self.network, slots, self.batch_size, self.loss, self.rate, workers)

    def exchange(self, workers):
        """{kind: {"messages", "bytes"}} that one of several workers exchanges; None for one alone."""
        if workers == 1 or not self.training:
            return None
        slots = slots_of(self.scheme)
        return exchange_of(self.network, slots, self.batch_size, self.loss, workers)

    def products(self):
        """[(layer, pass, Geometry)] of all products."""
        return product_sizes(self.network, self.batch_size, self.training)

    def wrpn(self):
        """Compute cost of an image's forward pass; `ratio` is to fp32 at width 1."""
        network = self.network if self.width == 1 else self._network(1)
        cost, baseline = compute_cost(self.network), compute_cost(network, (32, 32))
        return {"cost": cost, "fp32": compute_cost(self.network, (32, 32)),
                "fp32_width_1": baseline, "ratio": cost / baseline}


def count(plan, table, memory, workers=1, machine=None):
    """The report of a Plan.

    Parameters
    ----------
    table : costs.EnergyTable; memory : the level that all bytes come from.
    workers : that share the batch and exchange gradients; counts are those of one.
    machine : costs.roofline.Machine or None; with it every pass has its least seconds.

    Returns
    -------
    dict : "passes" and "layers" ({pass: counts}), "total", "fp32" and "bf16" (total alone),
        "wrpn", "all_reduce", "exchange", "energy_table", and what was counted.
    """
    rows = plan.rows(workers=workers)
    passes = totals(rows)

    def told(counts):
        return {**counts.to_dict(), **_energy(counts, table, memory), **_roof(counts, machine)}

    return {
        "model": plan.model, "scheme": plan.scheme.name, "bits": str(plan.scheme.bits),
        "width": str(plan.width), "classes": plan.classes, "batch_size": plan.batch_size,
        "input": list(plan.network.input_shape), "loss": plan.loss, "lr": str(plan.rate),
        "workers": workers, "memory": memory, "forward_only": plan.why_not,
        "weights": plan.network.count_weights(),
        "passes": {name: told(counts) for name, counts in passes.items()},
        "total": told(_sum(passes)),
        **{name: _in_floats(told(_sum(totals(plan.rows(Floats(fmt), workers)))))
           for name, fmt in FLOATS.items()},
        "layers": [{"layer": name, "passes": {p: told(c) for p, c in row.items()}}
                   for name, row in rows.items() if any(c.bytes for c in row.values())],
        "wrpn": plan.wrpn(),
        "all_reduce": _sent(plan, passes, workers), "exchange": plan.exchange(workers),
        "machine": vars(machine) if machine else None,
        "energy_table": {name: {k: float(v) for k, v in section.items()}
                         for name, section in vars(table).items()},
    }


def _in_floats(told):
    """Without the packed figures: what of floats could stay on a chip is not stated."""
    return {name: value for name, value in told.items() if not name.startswith("packed")}


def _sum(passes):
    return sum(passes.values(), Counts())


def _energy(counts, table, memory):
    """Picojoules of operations, of memory at one level, of memory as `Counts.packed` has it."""
    return {"operations_pj": float(table.operations(counts)),
            "memory_pj": float(table.bits(8 * counts.bytes, memory)),
            "packed_pj": float(table.bits(counts.packed, memory))}


def _roof(counts, machine):
    if machine is None:
        return {}
    from ..costs.roofline import bound

    return {"roofline": bound(counts, machine)}


def _sent(plan, passes, workers):
    """Bytes that one worker sends a step, by what a gradient is sent as; None for one worker."""
    if workers == 1 or not plan.training:
        return None
    sizes = [p.master.codes.size for p in plan.network.parameters if p.role == "weight"]
    bits = narrow_bits(plan.scheme.bits.gradient, workers)
    return {
        "exact": passes["all_reduce"].written["gradients"],
        f"narrow ({bits} bits)": sent_bytes(sizes, bits, workers),
        "fp32": sent_bytes(sizes, 32, workers),
        "bf16": sent_bytes(sizes, 16, workers),
    }
