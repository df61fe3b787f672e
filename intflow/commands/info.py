"""intflow info"""

import json

import click

from . import options


@click.command(epilog="Example: intflow info")
@options.json_output
def command(as_json):
    """Version, CPU features, backends and data folders of this machine."""
    from ..training.info import describe

    about = describe()
    if as_json:
        click.echo(json.dumps(about))
        return
    width = max(map(len, about))
    for name, value in about.items():
        if isinstance(value, dict):
            for number, (key, text) in enumerate(value.items()):
                click.echo(f"{'' if number else name:{width}}  {key}: {text}")
        elif isinstance(value, list):
            click.echo(f"{name:{width}}  {', '.join(value) or 'none'}")
        else:
            click.echo(f"{name:{width}}  {value}")
