"""The report of `intflow count` as a table of 80 columns."""

from textwrap import fill

import click

COLUMNS = ("MAC", "add", "shift", "comp.", "read", "write", "ops J", "mem J")
NAME, CELL = 24, 7          # characters
PASSES = {
    "forward": "fwd", "error": "err", "gradient": "grad", "all_reduce": "sum", "update": "upd",
}


def show(report, layers):
    """Print it; `layers`: a row for every layer and pass."""
    def say(text):
        click.echo(fill(text, NAME + CELL * len(COLUMNS), subsequent_indent="  "))

    what = "one training step" if report["loss"] else "one forward pass"
    say(f"{report['model']} {report['bits']} ({report['scheme']}), width {report['width']}, batch "
        f"{report['batch_size']}: {what}")
    if report["forward_only"]:
        say(f"Forward pass alone: {report['forward_only']}")
    if layers:
        _show_layers(report, click.echo)
    _show_passes(report, click.echo)
    for lines in (_products, _wrpn, _exchange, _roofline):
        for line in lines(report):
            say(line)
    say("Read, write: bytes; every operand of every kernel once, as the engine stores it, all at "
        f"{report['memory']}. MAC: padding included. J: from a table (45 nm, or --energy), not "
        "measured. fp32, bf16: the same layers in floats.")


def _show_passes(report, say):
    say(_row("pass", COLUMNS))
    for name, counts in report["passes"].items():
        say(_row(name.replace("_", "-"), _cells(counts)))
    say("-" * (NAME + CELL * len(COLUMNS)))
    for name in ("total", "fp32", "bf16"):
        say(_row(name, _cells(report[name])))


def _show_layers(report, say):
    say(_row("layer", COLUMNS))
    for row in report["layers"]:
        for name, counts in row["passes"].items():
            if counts["operations"] or counts["read"]:
                say(_row(f"{row['layer']} {PASSES[name]}", _cells(counts)))
    say("")


def _row(name, cells):
    return name.ljust(NAME) + "".join(cell.rjust(CELL) for cell in cells)


def _cells(counts):
    operations = [sum(counts["operations"].get(name, {}).values())
                  for name in ("mac", "add", "shift", "compare")]
    moved = [sum(counts[side].values()) for side in ("read", "written")]
    energy = [counts[name] * 1e-12 for name in ("operations_pj", "memory_pj")]
    return [short(n) for n in (*operations, *moved, *energy)]


def _products(report):
    """Products by their widths, and what has no column."""
    for name in ("forward", "error", "gradient"):
        operations = report["passes"].get(name, {}).get("operations", {})
        for kind, title in (("mac", "MAC"), ("shifted", "Shift and add")):
            widths = operations.get(kind, {}).items()
            if widths:
                yield f"{title} {name}: " + ", ".join(f"{short(n)} {width}" for width, n in widths)
    others = {name: sum(report["total"]["operations"].get(name, {}).values())
              for name in ("padding", "multiply", "divide", "lookup", "random")}
    listed = ", ".join(f"{short(n)} {name}" for name, n in others.items() if n)
    if listed:
        yield f"In total also: {listed}"
    total = report["total"]
    yield (f"Packed to their bits, sums (17 bits and more) kept on chip: "
           f"{short(total['packed_bytes'])}B, {short(total['packed_pj'] * 1e-12)}J")


def _wrpn(report):
    wrpn = report["wrpn"]
    yield (f"WRPN cost of an image: {short(wrpn['cost'])}, {wrpn['ratio']:.3f} of fp32 at width 1 "
           f"({short(wrpn['fp32_width_1'])})")


def _exchange(report):
    if report["all_reduce"]:
        listed = ", ".join(f"{short(n)}B {name}" for name, n in report["all_reduce"].items())
        yield f"A worker of {report['workers']} sends a step: {listed}"
        kinds = ", ".join(f"{short(counts['bytes'])}B {kind} in {counts['messages']}"
                          for kind, counts in report["exchange"].items())
        yield f"Reduced over the workers a step, messages and their bytes: {kinds}"


def _roofline(report):
    machine = report["machine"]
    if machine is None:
        return
    yield (f"Measured ({machine['backend']}, {machine['threads']} threads): "
           f"{short(machine['macs'])} 8-bit MAC/s, {short(machine['bytes'])}B/s")
    for name, counts in report["passes"].items():
        roof = counts["roofline"]
        yield (f"- {name.replace('_', '-')}: at least {short(roof['seconds'])}s, bound by "
               f"{roof['bound']} ({roof['macs_per_byte']:.1f} MAC a byte)")


def short(value):
    """Three digits and a prefix.

    Examples
    --------
    1234567: 1.23M. 0.00042: 420u. 0: 0.
    """
    if not value:
        return "0"
    if 0.995 <= value < 1000 and value == int(value):
        return str(int(value))
    for factor, prefix in ((1e-12, "p"), (1e-9, "n"), (1e-6, "u"), (1e-3, "m"), (1, ""), (1e3, "k"),
                           (1e6, "M"), (1e9, "G"), (1e12, "T"), (1e15, "P"), (1e18, "E")):
        scaled = value / factor
        if scaled < 999.5 or prefix == "E":
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:.{digits}f}{prefix}"
