"""The counters of a run as two tables of 80 columns."""

import io

WIDTH = 80
PRODUCTS = {"forward": "fwd", "error": "err", "gradient": "grad"}
# slot, count, heading; shown in % of the slot's elements.
SLOTS = (
    ("weight", "zeros", "W zero"), ("activation", "zeros", "A zero"),
    ("activation", "saturated", "A sat"), ("error", "zeros", "E zero"),
    ("error", "saturated", "E sat"), ("update", "nothing", "G none"),
    ("update", "clipped", "G clip"),
)


def run_tables(training):
    """Lines to show when a run ends: its whole counters, nothing where none were kept."""
    from ..training.metrics import read_counters

    counters = read_counters(training.out / "metrics.jsonl")
    if not counters.steps:
        return
    bounds = {layer.name: getattr(layer, "bound_bits", {})
              for layer in training.trainer.network.layers.walk()}
    yield from tables(counters, bounds)


def tables(counters, bounds):
    """Lines of both tables.

    counters : Counters.
    bounds : {layer: {product: proven bits}}.
    """
    yield (f"accumulators over {counters.steps:,} steps: bits that the largest sum needed / bits "
           "proven")
    yield from accumulators(counters.layers, bounds)
    yield "slots: % of elements that became 0, left the range (sat), or moved no weight"
    yield from slots(counters.layers)


def accumulators(layers, bounds):
    """needed/proven of each product, and how many sums overflowed where any did."""
    products = {name: layer["products"] for name, layer in layers.items() if "products" in layer}
    counts = [c["overflows"] for layer in products.values() for c in layer.values()]
    headings = list(PRODUCTS.values())
    if any(counts):
        headings += [f"over {heading}" for heading in headings]
    rows = []
    for name, layer in products.items():
        row = [_needed(layer.get(p), bounds.get(name, {}).get(p)) for p in PRODUCTS]
        if any(counts):
            row += [f"{layer[p]['overflows']:,}" if p in layer else "" for p in PRODUCTS]
        rows.append([name, *row])
    return _table(headings, rows)


def slots(layers):
    """Shares of zeros, saturations and lost updates."""
    rows = []
    for name, layer in layers.items():
        counts = layer.get("slots", {})
        if counts:
            rows.append([name, *(_percent(counts.get(slot), what) for slot, what, _ in SLOTS)])
    return _table([heading for _, _, heading in SLOTS], rows)


def _needed(product, bound):
    from ..training.counters import needed_bits

    if product is None:
        return ""
    return f"{needed_bits(product['largest'])}/{bound if bound is not None else '?'}"


def _percent(counts, what):
    if counts is None:
        return ""
    return f"{100 * counts[what] / max(1, counts['size']):.2f}"


def _table(headings, rows):
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("layer", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    text = io.StringIO()
    Console(file=text, width=WIDTH, highlight=False).print(table)
    return [line.rstrip() for line in text.getvalue().splitlines() if line.strip()]
