"""Learning rates over epochs."""

from fractions import Fraction

from ..errors import UsageError


def parse_rate(text):
    """"8", "1/8" or "0.5" as an exact Fraction above 0."""
    try:
        rate = Fraction(str(text).strip())
    except (ValueError, ZeroDivisionError):
        rate = None
    if rate is None or rate <= 0:
        raise UsageError(f'a learning rate is a positive number such as 8 or 1/8, got "{text}"')
    return rate


def parse_schedule(text):
    """"200:1,250:1/8" as ((200, 1), (250, 1/8)): epochs done, and the rate from there on."""
    steps = []
    for part in filter(None, (p.strip() for p in str(text).split(","))):
        epoch, colon, rate = part.partition(":")
        if not colon or not epoch.strip().isdigit():
            raise UsageError(
                f'a schedule is EPOCHS:RATE pairs such as 200:1,250:1/8, got "{text}"'
            )
        steps.append((int(epoch), parse_rate(rate)))
    if [e for e, _ in steps] != sorted({e for e, _ in steps}):
        raise UsageError(f'the epochs of a schedule rise, got "{text}"')
    return tuple(steps)


def format_schedule(steps):
    """The inverse of `parse_schedule`."""
    return ",".join(f"{epoch}:{rate}" for epoch, rate in steps)


def rate_at(epochs_done, first, steps):
    """The rate after so many whole epochs."""
    rate = first
    for epoch, value in steps:
        if epochs_done >= epoch:
            rate = value
    return rate
