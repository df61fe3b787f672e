"""intflow audit"""

import json

import click

from . import options

CURE = "compute it with integers"


@click.command(epilog="Example: intflow audit --model lenet --bits 2888 --json")
@click.option("--model", default="lenet", show_default=True, metavar="NAME",
              help="Such as lenet, vgg7, alexnet or resnet18; or all.")
@options.bits
@options.scheme
@options.scheme_options
@options.width
@click.option("--backend", default="auto", show_default=True, metavar="NAME",
              help="reference, portable, avx2, vnni or amx; or all that this machine runs.")
@options.device
@click.option("--loss", default=None, metavar="NAME",
              help="sse or softmax.  [default: the model's]")
@click.option("--batch-size", default=4, show_default=True, type=click.IntRange(1), metavar="N",
              help="Images of the step.")
@options.threads
@options.json_output
def command(model, backend, as_json, **settings):
    """Prove that a training step computes with integers alone.

    A step is taken while every value of every Python function is looked at, then the LLVM IR and
    the assembly of every function compiled for it are read. What only evaluates (--scheme
    float-weight) is audited in an evaluation; networks that come from a file get random weights.
    Everything is compiled anew, which takes about a minute. Exit code 1 says that a float was found.
    """
    from ..audit.child import audit

    settings = options.given(settings)
    cases = [{"model": m, **settings, "backend": b}
             for m in models(model) for b in backends(backend)]
    report = audit(cases)
    if as_json:
        click.echo(json.dumps(report))
    else:
        show(report)
    if not report["passes"]:
        click.echo(f"intflow: {first_finding(report)}", err=True)
        return 1
    return 0


def models(name):
    """The models that --model names."""
    from ..models import MODELS, find_model

    if name == "all":
        return list(MODELS)
    find_model(name)
    return [name]


def backends(name):
    """The backends that --backend names."""
    from ..errors import UnknownNameError
    from ..kernels import BACKENDS, available

    if name == "all":
        return [backend for backend, (runs, _) in available().items() if runs]
    if name not in BACKENDS and name != "auto":
        raise UnknownNameError("backend", name, ["auto", "all", *BACKENDS])
    return [name]


def first_finding(report):
    """One sentence: what is a float, where, and what to do."""
    for step in report["steps"]:
        if step["finding"]:
            return f"a float entered the step: {in_words(step['finding'])}; {CURE}"
    row = next(row for row in report["compiled"] if not row["passes"])
    if row["floats"]:
        return f"{row['name']} computes with floats: {row['floats'][0]}; {CURE}"
    return f"{row['name']} came from a cache, so its IR was not read; run `intflow audit` for it"


def in_words(finding):
    """Where a float was found: losses.softmax._nats, line 88: x is float."""
    where = f", {finding['file']}:{finding['line']}" if finding["file"] else ""
    return f"{finding['function']}{where}: {finding['variable']} is {finding['type']}"


def show(report):
    """The report as two tables, what was found, what was let pass, and a verdict."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.print("Run time: every value of every Python function and kernel call of a step",
                  markup=False)
    console.print(steps_table(report["steps"]))
    console.print("Compile time: LLVM IR and assembly of everything compiled for it", markup=False)
    console.print(compiled_table(report["compiled"]))
    for line in [*findings(report), *exceptions(report)]:
        console.print(line, markup=False)
    console.print("passed: integers alone" if report["passes"] else "FAILED: not integers alone",
                  markup=False)


def findings(report):
    """A line for every float."""
    lines = [f"float: {in_words(step['finding'])}" for step in report["steps"] if step["finding"]]
    for row in report["compiled"]:
        lines += [f"float: {row['name']}: {instruction}" for instruction in row["floats"]]
        lines += [f"not read: {row['name']} came from a cache"] * row["cached"]
    return lines


def exceptions(report):
    """A line for every edge."""
    lines = [f"edge: {place}: {reason}" for place, reason in report["edges"].items()]
    return lines + [f"edge: {line['edge']}: {line['reason']}" for line in report["exceptions"]]


def steps_table(steps):
    """One line an audited step."""
    table = make_table("model bits backend", "batch functions values floats")
    for step in steps:
        table.add_row(step["model"], step["bits"], step["backend"], str(step["batch_size"]),
                      f"{step['functions']:,}", f"{step['values']:,}",
                      "1" if step["finding"] else "0")
    return table


def compiled_table(rows):
    """One line a file, the instructions of its functions added up."""
    table = make_table("compiled", "functions IR assembly moves floats")
    files = {}
    for row in rows:
        file = row["name"].split(".<locals>")[0].rpartition(".")[0].removeprefix("kernels.")
        files.setdefault(file, []).append(row)
    for file, group in files.items():
        counts = [sum(row[key] for row in group) for key in ("ir", "assembly", "moves")]
        failed = sum(not row["passes"] for row in group)
        table.add_row(file, *(f"{count:,}" for count in (len(group), *counts, failed)))
    return table


def make_table(names, numbers):
    """An empty table: names to the left, numbers to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    for name in names.split():
        table.add_column(name, no_wrap=True)
    for name in numbers.split():
        table.add_column(name, justify="right", no_wrap=True)
    return table
