"""intflow count"""

import json
from pathlib import Path

import click

from . import options


@click.command(epilog="Example: intflow count --model vgg7 --bits 2888 --batch-size 128")
@options.model
@options.bits
@options.scheme
@options.scheme_options
@options.width
@click.option("--classes", default=None, type=click.IntRange(1), metavar="N",
              help="[default: 10, for ImageNet's models 1000]")
@click.option("--batch-size", default=None, type=click.IntRange(1), metavar="N",
              help="Default: the paper's.")
@click.option("--loss", default=None, metavar="NAME", help="sse or softmax; default: the model's.")
@click.option("--lr", default=None, metavar="RATE", help="Such as 8 or 3/5; default: the paper's.")
@click.option("--workers", default=1, type=click.IntRange(1), metavar="K",
              help="Workers in a ring that share the batch; counts are those of one.")
@click.option("--energy", default=None, metavar="FILE.toml",
              help="Picojoules of operations and memories instead of the 45 nm table.")
@click.option("--memory", default="dram", show_default=True, metavar="LEVEL",
              help="Where all bytes come from and go to: dram, sram-1m, sram-32k, sram-8k.")
@click.option("--measure", is_flag=True,
              help="Measure this machine for a second or two: the roofline's least times.")
@options.threads
@options.backend
@click.option("--layers", is_flag=True, help="A row for every layer and pass.")
@click.option("--csv", "csv_file", default=None, metavar="FILE", help="All counts, one a line.")
@click.option("--scale-sim", default=None, metavar="FILE",
              help="All products for SCALE-Sim, as matrix products (-i gemm).")
@click.option("--timeloop", default=None, metavar="DIR",
              help="All products for timeloop, one YAML each.")
@options.json_output
def command(energy, memory, measure, threads, backend, workers, layers, csv_file, scale_sim,
            timeloop, as_json, **what):
    """Operations, bytes and energy of a training step: forward, error, gradient, update."""
    from ..costs import read_energy
    from ..training.count import Plan, count

    plan, table = Plan(**options.given(what)), read_energy(energy)
    machine = _machine(backend, threads) if measure else None
    report = count(plan, table, memory, workers, machine)
    written = [*_write_csv(report, csv_file), *_write_scale_sim(plan, scale_sim),
               *_write_timeloop(plan, timeloop)]
    if as_json:
        click.echo(json.dumps(report))
        return
    from .count_table import show

    show(report, layers)
    for path in written:
        click.echo(f"wrote {path}")


def _machine(backend, threads):
    from ..costs.roofline import measure
    from ..kernels import load

    return measure(load(backend, threads))


def _write_csv(report, path):
    if path is None:
        return []
    lines = ["layer,pass,what,width,count"]
    for row in report["layers"]:
        for name, counts in row["passes"].items():
            at = f"{row['layer']},{name}"
            lines += [f"{at},{operation},{width},{n}"
                      for operation, widths in counts["operations"].items()
                      for width, n in widths.items()]
            lines += [f"{at},bytes {side},{role},{n}" for side in ("read", "written")
                      for role, n in counts[side].items()]
    return [_write(path, "\n".join(lines) + "\n")]


def _write_scale_sim(plan, path):
    from ..costs import scale_sim_csv

    return [] if path is None else [_write(path, scale_sim_csv(plan.products()))]


def _write_timeloop(plan, folder):
    from ..costs import problem_yaml

    if folder is None:
        return []
    for layer, kind, sizes in plan.products():
        _write(Path(folder) / f"{layer}_{kind}.yaml", problem_yaml(kind, sizes))
    return [folder]


def _write(path, text):
    """Write a file, making its folder; UsageError where that cannot be."""
    from ..errors import UsageError

    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}; choose another place")
    return path
