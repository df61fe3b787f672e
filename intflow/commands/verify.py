"""intflow verify"""

import json

import click

from . import options

SHOWN = 5


@click.command(epilog="Example, after a simulation: intflow verify trace.h5 dump/")
@click.argument("trace")
@click.argument("dump")
@click.option("--strict", is_flag=True, help="Fail also when DUMP lacks a tensor or has another.")
@options.json_output
def command(trace, dump, strict, as_json):
    """Compare DUMP with TRACE: the first differing step, layer, tensor, index and bit.

    Each is an HDF5 file, an .npz file or a folder of $readmemh text. DUMP may hold any part of the
    tensors, under the names of the trace. Exit code 0: equal, 1: different.
    """
    from ..device.verify import verify

    verdict = verify(trace, dump)
    equal = verdict.equal and not (strict and (verdict.missing or verdict.extra))
    if as_json:
        click.echo(json.dumps({**verdict.to_dict(), "equal": equal}))
        return 0 if equal else 1
    if verdict.difference:
        first, *rest = verdict.difference.lines()
        click.echo("\n".join([f"{dump} {first}", *rest]))
    rest = f", {len(verdict.missing)} not in {dump}" if verdict.missing else ""
    same = verdict.compared - (not verdict.equal)
    click.echo(f"{same} of {verdict.tensors} tensors compared and equal{rest}")
    for what, names in (("missing", verdict.missing if strict else []), ("extra", verdict.extra)):
        _list(what, names)
    return 0 if equal else 1


def _list(what, names):
    for name in names[:SHOWN]:
        click.echo(f"{what}: {name}")
    if len(names) > SHOWN:
        click.echo(f"{what}: {len(names) - SHOWN} more; --json lists all")
