"""Options of a scheme: what its paper leaves open, chosen by name and value."""

from ..errors import UnknownNameError, UsageError


def parse_options(text):
    """"batch_norm=trained,end_bits=8" as {"batch_norm": "trained", "end_bits": "8"}.

    Raises
    ------
    UsageError : for anything that is not NAME=VALUE, and for a name given twice.
    """
    options = {}
    for part in filter(None, (p.strip() for p in str(text or "").split(","))):
        name, equals, value = (p.strip() for p in part.partition("="))
        name = name.replace("-", "_")
        if not (equals and name and value):
            raise UsageError(f'an option of a scheme is NAME=VALUE, got "{part}"')
        if name in options:
            raise UsageError(f'the option {name} is given twice in "{text}"; give it once')
        options[name] = value
    return options


def format_options(options):
    """The inverse of `parse_options`."""
    return ",".join(f"{name}={value}" for name, value in options.items())


def chosen(scheme, table, given):
    """{name: value} for every option of a scheme: the first of its values where none is given.

    Parameters
    ----------
    scheme : its name, for errors.
    table : {name: (default, other value, ...)}, all texts.
    given : {name: value}, or the text of it.

    Raises
    ------
    UsageError, UnknownNameError : a name or a value that the scheme does not have.
    """
    given = parse_options(given) if isinstance(given, str) else given or {}
    for name, value in given.items():
        if name not in table:
            known = f"its options are {', '.join(table)}" if table else "it has no options"
            raise UsageError(f"the {scheme} scheme has no option {name}; {known}")
        if str(value) not in table[name]:
            raise UnknownNameError(f"value of {name}", value, table[name])
    return {name: str(given.get(name, values[0])) for name, values in table.items()}
