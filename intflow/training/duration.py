"""Times such as 1h30m."""

import re

from ..errors import UsageError

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
LONGEST = 20            # characters
_FORM = re.compile("".join(rf"(?:(?P<{unit}>\d+){unit})?" for unit in UNITS), re.ASCII)


def parse_duration(text):
    """Seconds of a time in days, hours, minutes and seconds.

    Raises
    ------
    UsageError : for anything else, and for no time at all.

    Examples
    --------
    "2h" -> 7200; "1h30m" and "90m" -> 5400; "3600s" and "3600" -> 3600.
    """
    plain = text.strip().lower()
    if plain.isdecimal():
        plain += "s"
    match = _FORM.fullmatch(plain) if len(plain) <= LONGEST else None
    seconds = sum(int(match[unit] or 0) * size for unit, size in UNITS.items()) if match else 0
    if not seconds:
        raise UsageError(f'a time is written as 2h, 90m, 1h30m or 3600s, got "{text}"')
    return seconds
