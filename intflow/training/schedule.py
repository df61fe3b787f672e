"""Learning rates and batch sizes over epochs."""

from dataclasses import dataclass
from fractions import Fraction

from ..errors import UsageError
from ..formats import exact

DECAY = "exp:"          # what an exponential schedule begins with
SIGNIFICANT = 16        # bits of a rate that is no short fraction


@dataclass(frozen=True)
class Decay:
    """The rate times `ratio` after every epoch.  [FAQ decay]"""

    ratio: Fraction

    def at(self, epochs_done, first):
        """first * ratio**epochs_done, exact while short, else to SIGNIFICANT bits.

        Examples
        --------
        3/2000 and 0.936: 351/250000 after one epoch; after ten the nearest p / 2**n with a p of 16
        bits, 51955 / 2**26 = 0.00077419.
        """
        return shortened(first * self.ratio ** epochs_done)


def parse_rate(text):
    """"8", "1/8" or "0.5" as an exact Fraction above 0."""
    try:
        rate = exact(str(text).strip())
    except ValueError:
        rate = None
    if rate is None or rate <= 0:
        raise UsageError(f'a learning rate is a positive number such as 8 or 1/8, got "{text}"')
    return rate


def parse_schedule(text):
    """Rates over epochs: steps, or an exponential decay.

    Examples
    --------
    "200:1,250:1/8" is ((200, 1), (250, 1/8)): epochs done, and the rate from there on.
    "exp:0.936" is Decay(117/125): times 0.936 after every epoch.
    """
    text = str(text).strip()
    if not text.startswith(DECAY):
        return _steps(text, "a schedule is EPOCHS:RATE pairs such as 200:1,250:1/8, or exp:0.936",
                      parse_rate)
    ratio = parse_rate(text.removeprefix(DECAY))
    if ratio > 1:
        raise UsageError(f'a decay is a factor of at most 1, such as exp:0.936, got "{text}"')
    return Decay(ratio)


def format_schedule(schedule):
    """The inverse of `parse_schedule`."""
    if isinstance(schedule, Decay):
        return f"{DECAY}{schedule.ratio}"
    return ",".join(f"{epoch}:{rate}" for epoch, rate in schedule)


def parse_batch_schedule(text):
    """"30:256,60:512" as ((30, 256), (60, 512)): epochs done, and the batch size from there on."""
    def size(text):
        if not text.strip().isdigit() or int(text) < 1:
            raise UsageError(f'a batch size is a number such as 256, got "{text}"')
        return int(text)

    return _steps(text, "a batch schedule is EPOCHS:SIZE pairs such as 30:256,60:512", size)


def _steps(text, form, parse):
    """Pairs with rising epochs; `form` says in errors what is expected."""
    steps = []
    for part in filter(None, (p.strip() for p in str(text).split(","))):
        epoch, colon, value = part.partition(":")
        if not colon or not epoch.strip().isdecimal() or len(epoch) > 9:
            raise UsageError(f'{form}, got "{text}"')
        steps.append((int(epoch), parse(value)))
    if [e for e, _ in steps] != sorted({e for e, _ in steps}):
        raise UsageError(f'the epochs of a schedule rise, got "{text}"')
    return tuple(steps)


def rate_at(epochs_done, first, schedule):
    """The rate after so many whole epochs."""
    if isinstance(schedule, Decay):
        return schedule.at(epochs_done, first)
    return latest(epochs_done, first, schedule)


def latest(epochs_done, first, steps):
    """The value of the last step that so many epochs have reached; `first` before all."""
    value = first
    for epoch, step in steps:
        if epochs_done >= epoch:
            value = step
    return value


def rates_of(schedule):
    """The rates that a schedule names; a decay only falls."""
    return () if isinstance(schedule, Decay) else tuple(rate for _, rate in schedule)


def shortened(rate):
    """The rate as it is where its odd parts have SIGNIFICANT bits, else the nearest p / 2**n with
    a p of so many bits, ties to even.

    Examples
    --------
    1/3 stays; 1/65537 becomes 65535 / 2**32: 2**32 / 65537 = 65535.00002.
    """
    p, q = rate.numerator, rate.denominator
    odd = (n >> (n & -n).bit_length() - 1 for n in (p, q))
    if max(n.bit_length() for n in odd) <= SIGNIFICANT:
        return rate
    n = SIGNIFICANT + q.bit_length() - p.bit_length()
    if rate * Fraction(2) ** n >= 1 << SIGNIFICANT:
        n -= 1
    return round(rate * Fraction(2) ** n) / Fraction(2) ** n
