"""intflow bench"""

import json
import shlex
import sys

import click

from ..errors import UsageError
from . import options


class Shape(click.ParamType):
    """Three sizes of a matrix product: 1024x512x64."""

    name = "MxKxN"

    def convert(self, value, parameter, context):
        """(M, K, N), or a usage error."""
        if isinstance(value, tuple):
            return value
        sizes = value.lower().split("x")
        if len(sizes) != 3 or not all(n.isascii() and n.isdigit() and 0 < int(n) < 1 << 20
                                      for n in sizes):
            self.fail(f"{value!r} is no shape; write three sizes such as 1024x512x64")
        return tuple(map(int, sizes))


@click.command(epilog="Example: intflow bench step --model lenet --rounds 3")
@click.argument("name", metavar="NAME")
@click.option("--model", "models", multiple=True, metavar="NAME",
              help="May be given several times.")
@options.bits
@options.scheme
@options.width
@click.option("--batch-size", default=0, type=click.IntRange(0), metavar="N",
              help="[default: the benchmark's]")
@click.option("--shape", "shapes", multiple=True, type=Shape(), help="Of gemm.")
@click.option("--batches", default="", metavar="N,...", help="Of growth: images of a batch.")
@click.option("--widths", default="", metavar="X,...", help="Of growth.")
@options.threads
@click.option("--backend", default="auto", show_default=True, metavar="NAME",
              help="reference, portable, avx2, vnni or amx; gemm, conv and step also take all.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), metavar="N",
              help="Turns of everyone.")
@click.option("--seconds", default=1.0, show_default=True, type=click.FloatRange(0, 600),
              metavar="S", help="At least so long a turn.")
@click.option("--peers/--no-peers", default=True, show_default=True,
              help="PyTorch and ONNX Runtime beside us; pip install 'intflow[peers]'.")
@click.option("--peer-python", default="", metavar="PATH",
              help="Interpreter that has the peers.  [default: this one]")
@options.data
@options.data_dir
@click.option("--pictures", default="", metavar="DIR", help="Of input: a folder of JPEGs.")
@click.option("--picture", default="", metavar="FILE.png", help="Of growth: draw both curves.")
@options.workers
@options.json_output
def command(name, as_json, threads, batches, widths, bits, workers, **values):
    """Measure: gemm, elementwise, conv, step, input, startup, memory or growth.

    Results are checked against the reference kernels first. Everyone who is compared runs in a
    process of its own, and they take turns. Under mpiexec, step measures all workers as one."""
    group = options.join_workers(workers)
    from ..bench import find_bench
    from ..bench import workers as shared
    from ..bench.options import Options
    from ..bench.record import record

    bench = find_bench(name)
    chosen = Options(threads=threads or group.threads or 0, bits=bits or Options.bits, batches=_numbers(batches),
                     widths=tuple(filter(None, widths.split(","))), **values).check()
    with _status(as_json or group.rank > 0) as tell:
        if group.size > 1:
            report, bench = shared.run(name, chosen, group, tell), shared
        else:
            report = bench.run(chosen, tell)
    if group.rank:
        return
    command_line = "intflow " + shlex.join(sys.argv[1:])
    if as_json:
        click.echo(json.dumps(record(name, command_line, report)))
        return
    for line in bench.lines(report):
        click.echo(line)


def _numbers(text):
    """Integers from 1 out of "1,2,4"."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not all(word.isascii() and word.isdigit() and 0 < int(word) < 1 << 20 for word in words):
        raise UsageError(f"--batches takes integers from 1 such as 1,32,128, got {text!r}")
    return tuple(map(int, words))


def _status(as_json):
    """A block that shows what is going on: on a terminal, and not beside JSON."""
    from contextlib import contextmanager

    @contextmanager
    def silent():
        yield lambda text: None

    @contextmanager
    def shown():
        from rich.console import Console

        with Console(stderr=True).status("starting") as status:
            yield status.update

    return silent() if as_json or not sys.stderr.isatty() else shown()
