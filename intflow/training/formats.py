"""Calibrated formats as text, for checkpoints."""

import json

from ..errors import CheckpointError, FormatError
from ..formats import format_name, parse_format


def write_formats(formats):
    """One JSON object, {name: name of the format}.

    Examples
    --------
    {"requantize_1": Fixed(8, 6, signed=False)}: '{"requantize_1": "UQ2.6"}'.
    """
    return json.dumps({name: format_name(fmt) for name, fmt in formats.items()})


def formats_of(attributes, where):
    """The formats that a checkpoint keeps; {} for one that keeps none."""
    return read_formats(attributes.get("formats", "{}"), where)


def read_formats(text, where):
    """The inverse of `write_formats`; CheckpointError naming the file `where` for anything else."""
    try:
        return {str(name): parse_format(fmt) for name, fmt in json.loads(text).items()}
    except (ValueError, AttributeError, TypeError, FormatError) as error:
        raise CheckpointError(f"{where}: its formats cannot be read ({error}); use another file")
