"""The ways to round and the ways to overflow, by number and by name.

Kernels take the numbers, which are part of every compiled function: append, never renumber.
"""

import enum

from intflow.errors import FormatError, UnknownNameError


class _Named(enum.IntEnum):
    """An enumeration whose members are read from and shown by their lower-case names.

    ALIASES : {other name: member's name}, in capitals. With AP_ (Vitis HLS) or SC_ (SystemC)
    before it an alias is read as well.
    """

    ALIASES = enum.nonmember({})

    @classmethod
    def parse(cls, name):
        """Return the member that `name` names: a member, or a str in any case, `-` or `_`.

        Examples
        --------
        "half-even", "HALF_EVEN", "rnd_conv", "AP_RND_CONV", "SC_RND_CONV": Rounding.HALF_EVEN.
        """
        if isinstance(name, cls):
            return name
        key = str(name).strip().replace("-", "_").upper()
        alias = key[3:] if key[:3] in ("AP_", "SC_") else key
        try:
            return cls[cls.ALIASES.get(alias, key)]
        except KeyError:
            raise UnknownNameError(cls.__name__.lower(), name, cls.names()) from None

    @classmethod
    def names(cls):
        """The names that `parse` knows, in order."""
        return [member.name.lower() for member in cls]

    def __str__(self):
        return self.name.lower()


class Rounding(_Named):
    """How the dropped fraction decides.

    ================  ==================================  =====================
    name              integer chosen for x                -2.5, -1.5, 0.5, 1.5
    ================  ==================================  =====================
    FLOOR             largest one <= x                    -3, -2, 0, 1
    TOWARD_ZERO       sign(x) floor(abs x)                -2, -1, 0, 1
    HALF_UP           floor(x + 1/2)                      -2, -1, 1, 2
    HALF_AWAY         sign(x) floor(abs x + 1/2)          -3, -2, 1, 2
    HALF_EVEN         nearest, ties to the even one       -2, -2, 0, 2
    STOCHASTIC        sign(x) floor(abs x + u)            u uniform in [0, 1)
    HALF_ODD          nearest, ties to the odd one        -3, -1, 1, 1
    JAM               x, or the odd one beside it         -3, -1, 1, 1
    HALF_DOWN         ceil(x - 1/2)                       -3, -2, 0, 1
    HALF_TOWARD_ZERO  sign(x) ceil(abs x - 1/2)           -2, -1, 0, 1
    GEMMLOWP          two roundings, see below            shifts only
    ================  ==================================  =====================

    JAM (von Neumann) drops the bits and sets the lowest that stays if any of them was set: 1/4
    gives 1, -1/4 gives -1, 2 stays 2. Its error is below one step, and as often up as down.

    GEMMLOWP is what gemmlowp and TFLite compute for a multiplier of 2**30 (one half in Q31) and a
    right shift by n - 1: a saturating rounding doubling high multiply, which rounds x / 2 half up,
    then a rounding divide by 2**(n - 1), which rounds half away. So 1 >> 2 gives 1, where a single
    rounding gives 0. It is a property of the bits dropped, not of the fraction x: shifts know it,
    other divisions refuse it. TFLite's single rounding of the same product is HALF_UP.
    """

    FLOOR = 0
    TOWARD_ZERO = 1
    HALF_UP = 2
    HALF_AWAY = 3
    HALF_EVEN = 4
    STOCHASTIC = 5
    HALF_ODD = 6
    JAM = 7
    HALF_DOWN = 8
    HALF_TOWARD_ZERO = 9
    GEMMLOWP = 10

    ALIASES = enum.nonmember({
        "TRN": "FLOOR",
        "TRN_ZERO": "TOWARD_ZERO",
        "RND": "HALF_UP",
        "RND_INF": "HALF_AWAY",
        "RND_CONV": "HALF_EVEN",
        "RND_MIN_INF": "HALF_DOWN",
        "RND_ZERO": "HALF_TOWARD_ZERO",
        "VON_NEUMANN": "JAM",
        "TFLITE_DOUBLE": "GEMMLOWP",
        "TFLITE_SINGLE": "HALF_UP",
    })


class Overflow(_Named):
    """What becomes of an integer outside its range.

    ==================  ======================================  =======================
    name                result                                  130, -200 in -128..127
    ==================  ======================================  =======================
    WRAP                the low bits                            -126, 56
    SATURATE            the nearest code                        127, -128
    SATURATE_SYMMETRIC  the nearest code but the smallest one   127, -127
    TRAP                none: an error that says where          stops
    ==================  ======================================  =======================
    """

    WRAP = 0
    SATURATE = 1
    SATURATE_SYMMETRIC = 2
    TRAP = 3

    @classmethod
    def parse(cls, name):
        """The member that `name` names, also by `ap_fixed`'s word: SAT, AP_SAT_SYM, AP_WRAP.

        Raises
        ------
        FormatError : SAT_ZERO and WRAP_SM, which no accumulator here does. UnknownNameError.
        """
        if isinstance(name, cls):
            return name
        word = str(name).strip().replace("-", "_").upper().removeprefix("AP_")
        if word in ("SAT_ZERO", "WRAP_SM"):
            raise FormatError(
                f"overflow {name} is not simulated; use one of {', '.join(cls.names())}"
            )
        word = {"SAT": "SATURATE", "SAT_SYM": "SATURATE_SYMMETRIC"}.get(word, word)
        return super().parse(word if word in cls.__members__ else name)
