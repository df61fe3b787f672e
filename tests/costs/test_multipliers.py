"""Gate counts against multipliers built gate by gate, and by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intflow.costs import GATES, Gates, fixed_multiplier, minifloat_multiplier, weight_multiplier
from intflow.costs.multipliers import array_multiplier, shifter
from intflow.formats import Fixed, parse_format


class Circuit:
    """Counts gates while it computes with them; a constant 0 costs nothing."""

    def __init__(self):
        self.used = dict.fromkeys(GATES, 0)

    def add(self, *bits):
        """(sum, carry) of up to three bits, None being a constant 0."""
        bits = [bit for bit in bits if bit is not None]
        if len(bits) > 1:
            self.used["full_adder" if len(bits) == 3 else "half_adder"] += 1
        total = sum(bits)
        return total & 1, (total >> 1 if len(bits) > 1 else None)

    def multiply(self, a, b, n, m):
        """Row after row, ripple carry."""
        row = None
        product = []
        for j in range(m):
            self.used["and2"] += n
            partial = [(a >> i & 1) & (b >> j & 1) for i in range(n)]
            if row is None:
                row = partial
            else:
                carry, added = None, []
                for i in range(n):
                    above = row[i + 1] if i + 1 < len(row) else None
                    bit, carry = self.add(partial[i], above, carry)
                    added.append(bit)
                row = added if carry is None else [*added, carry]
            product.append(row[0])
        return sum(bit << i for i, bit in enumerate([*product, *row[1:]]))

    def shift(self, x, by, width, shifts):
        rows = (shifts - 1).bit_length()
        for k in range(rows):
            wide = width + min((2 << k) - 1, shifts - 1)
            self.used["mux2"] += wide
            x = (x << (1 << k) if by >> k & 1 else x) & (1 << wide) - 1
        return x


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_the_array_multiplies_with_the_gates_counted(n, m, data):
    n, m = max(n, m), min(n, m)
    a, b = data.draw(st.integers(0, 2**n - 1)), data.draw(st.integers(0, 2**m - 1))
    circuit = Circuit()
    assert circuit.multiply(a, b, n, m) == a * b
    assert Gates(**circuit.used) == array_multiplier(n, m) == array_multiplier(m, n)


@given(st.integers(1, 12), st.integers(1, 40), st.data())
def test_the_shifter_shifts_with_the_gates_counted(width, shifts, data):
    x, by = data.draw(st.integers(0, 2**width - 1)), data.draw(st.integers(0, shifts - 1))
    circuit = Circuit()
    assert circuit.shift(x, by, width, shifts) == x << by
    assert Gates(**circuit.used) == shifter(width, shifts)


def test_by_hand():
    assert fixed_multiplier(8, 8).nand2 * 4 == 56 * 6 + 7 * 16 + 41 * 28 + 10 == 1606
    gates = minifloat_multiplier(parse_format("1-4-3"), 8)
    assert gates == Gates(and2=32, xor2=1, mux2=73, half_adder=4, full_adder=20)
    assert gates.nand2 * 4 == 1702
    assert weight_multiplier(Fixed(8, 7), 8) == fixed_multiplier(8, 8)
    assert weight_multiplier(parse_format("e4m3"), 8) == gates
    assert shifter(4, 4) == Gates(mux2=12) and shifter(4, 1) == Gates()


@pytest.mark.parametrize("bits", range(2, 17))
def test_wider_costs_more(bits):
    assert fixed_multiplier(bits + 1, 8).nand2 > fixed_multiplier(bits, 8).nand2
