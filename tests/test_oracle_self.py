"""The oracle judged by itself: definitions in rationals, exact derivatives, published numbers.

Derivatives are differences: of a map that is linear in the varied operand a difference of any
size is the derivative exactly, and rationals make the step as small as a window of ties needs.
"""

import math
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
import strategies

few = settings(max_examples=40, deadline=None)


def positions(nested):
    """Every tuple of indices."""
    return product(*(range(extent) for extent in oracle.shape_of(nested)))


def inner(a, b):
    """Sum of products, element by element."""
    return sum(x * y for x, y in zip(oracle.flat(a), oracle.flat(b), strict=True))


def moved(nested, position, amount):
    """A copy with one element changed."""
    copy = oracle.each(lambda a: a, nested)
    oracle.put(copy, position, oracle.at(copy, position) + amount)
    return copy


def assert_derivative(loss, point, derivative, amount=1):
    """derivative[i] == (loss(point + amount at i) - loss(point)) / amount, everywhere."""
    here = loss(point)
    for position in positions(point):
        slope = Fraction(loss(moved(point, position, amount)) - here) / amount
        assert oracle.at(derivative, position) == slope


# ---------------------------------------------------------------------------- rounding


@pytest.mark.parametrize("rounding", strategies.ROUNDINGS)
def test_shift_equals_its_rational_definition(rounding):
    for k, s in product(range(-2, 6), range(-100, 101)):
        expected = oracle.round_fraction(Fraction(s) / Fraction(2) ** k, rounding)
        assert oracle.round_shift(s, k, rounding) == expected


@given(s=st.integers(-(2**70), 2**70), k=st.integers(-5, 66), rounding=strategies.roundings)
def test_shift_equals_its_rational_definition_when_wide(s, k, rounding):
    expected = oracle.round_fraction(Fraction(s) / Fraction(2) ** k, rounding)
    assert oracle.round_shift(s, k, rounding) == expected


def test_half_even_at_every_tie():
    for k, q, sign in product(range(1, 21), range(-40, 41), (-1, 1)):
        tie = sign * ((2 * q + 1) << (k - 1))
        rounded = oracle.round_shift(tie, k, "half_even")
        assert rounded % 2 == 0
        assert abs(rounded * 2**k - tie) * 2 == 2**k
        assert rounded == round(Fraction(tie, 2**k))


@pytest.mark.parametrize("k", range(0, 8))
def test_stochastic_shift_has_the_exact_mean(k):
    for s in range(-70, 71):
        total = sum(oracle.round_shift(s, k, "stochastic", R) for R in range(2**k))
        assert total == s
        for R in range(2**k):
            expected = oracle.round_fraction(Fraction(s, 2**k), "stochastic", Fraction(R, 2**k))
            assert oracle.round_shift(s, k, "stochastic", R) == expected


def test_shiftexp_below_two_to_the_twenty():
    for m in range(1, 2**20):
        n = oracle.shiftexp(m)
        # 2**(n - 1/2) < m < 2**(n + 1/2), squared and doubled
        assert 2 ** (2 * n) < 2 * m * m < 2 ** (2 * n + 2)


def test_shiftexp_near_its_steps():
    for f in range(63):
        step = math.isqrt(2 ** (2 * f + 1))  # floor(sqrt2 * 2**f)
        assert oracle.shiftexp(step) == f
        assert oracle.shiftexp(step + 1) == f + 1
        assert oracle.shiftexp(2**f) == f


# ---------------------------------------------------------------------------- random stream


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [  # known answers published with Random123
        ("00000000 00000000 00000000 00000000", "00000000 00000000",
         "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
         "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
         "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)  # fmt: skip
def test_philox_known_answers(counter, key, expected):
    def words(text):
        return tuple(int(word, 16) for word in text.split())

    assert oracle.philox4x32(words(counter), words(key)) == words(expected)


def test_stream_uses_every_word_once():
    elements = range(2048)
    blocks = {(((i >> 10) << 8) | (i & 255), (i >> 8) & 3) for i in elements}
    assert len(blocks) == 2048
    assert {block for block, _ in blocks} == set(range(512))
    assert oracle.random_u32(0, "init", 0, 0, 0) == oracle.philox4x32((0, 0, 0, 1), (0, 0))[0]
    key = (0x89ABCDEF, 0x01234567)
    expected = oracle.philox4x32((256 + 5, 7, 9, 4), key)[2]
    assert oracle.random_u32(0x0123456789ABCDEF, "update", 9, 7, 1024 + 512 + 5) == expected


# ---------------------------------------------------------------------------- quantisers


@pytest.mark.parametrize("bits", [2, 3, 5, 8])
def test_integer_quantiser_equals_its_rational_definition(bits):
    for rshift, code in product(range(-3, 5), range(-80, 81)):
        frac_bits = bits - 1 + rshift
        real = Fraction(code) / Fraction(2) ** frac_bits
        codes = oracle.narrow(code, rshift, bits)
        assert Fraction(codes, 2 ** (bits - 1)) == oracle.quantize(real, bits)


def test_input_codes():
    for u in range(256):
        a = oracle.encode_symmetric(u, 8)
        assert a == oracle.clip(u - 128 + (u >= 128), -127, 127)
        assert a == oracle.clip((256 * (2 * u - 255) + 255) // 510, -127, 127)
        assert Fraction(a, 128) == oracle.quantize(Fraction(2 * u, 255) - 1, 8)
        assert oracle.encode_unit(u, 8) == min(oracle.round_shift(u, 1, "half_even"), 127)
        assert Fraction(oracle.encode_unit(u, 8), 128) == oracle.quantize(Fraction(u, 256), 8)


@pytest.mark.parametrize("kA", range(2, 17))
def test_input_codes_of_other_widths(kA):
    for u in range(256):
        half = 2 ** (kA - 1)
        real = Fraction(2 * u, 255) - 1
        assert Fraction(oracle.encode_symmetric(u, kA), half) == oracle.quantize(real, kA)
        assert Fraction(oracle.encode_unit(u, kA), half) == oracle.quantize(Fraction(u, 256), kA)


@pytest.mark.parametrize(
    ("fan_ins", "alphas"),
    [
        ((27, 1152, 1152, 2304, 2304, 4608, 8192, 1024), (2, 16, 16, 16, 16, 32, 32, 16)),
        ((25, 800, 1024, 512), (2, 16, 16, 8)),
        ((363, 2400, 2304, 3456, 3456, 9216, 4096, 4096), (8, 16, 16, 32, 32, 32, 32, 32)),
    ],
    ids=["vgg7", "lenet", "alexnet"],
)
def test_alpha_table(fan_ins, alphas):
    assert tuple(2 ** oracle.alpha_exponent(n, 2) for n in fan_ins) == alphas


@given(fan_in=st.integers(1, 10**6), kW=st.integers(2, 12))
def test_alpha_is_the_nearest_power_of_two(fan_in, kW):
    """alpha = max(Shift(L_min / L), 1), L = sqrt(3 / n), L_min = 1.5 sigma: compared by squares."""
    la = oracle.alpha_exponent(fan_in, kW)
    ratio_squared = (Fraction(3, 2) * Fraction(2, 2**kW)) ** 2 / Fraction(3, fan_in)
    assert ratio_squared < Fraction(2) ** (2 * la + 1)
    assert la == 0 or ratio_squared >= Fraction(2) ** (2 * la - 1)


def test_ternary_thresholds():
    codes = {m: oracle.quantize_weight(m, 2, 8) for m in (-64, -33, -32, 0, 32, 33, 64)}
    assert codes == {-64: -1, -33: -1, -32: 0, 0: 0, 32: 0, 33: 1, 64: 1}
    assert oracle.master_bound(2, 8) == 64


@given(kW=st.integers(2, 8), more=st.integers(0, 8), data=st.data())
def test_weight_quantiser_is_the_papers(kW, more, data):
    kG = kW + more
    bound = oracle.master_bound(kW, kG)
    assert Fraction(bound, 2 ** (kG - 1)) == 1 - Fraction(2, 2**kW)
    master = data.draw(st.integers(-bound, bound))
    code = oracle.quantize_weight(master, kW, kG)
    real = Fraction(master, 2 ** (kG - 1))
    assert Fraction(code, 2 ** (kW - 1)) == oracle.quantize(real, kW)


# ---------------------------------------------------------------------------- gradients


@few
@given(case=strategies.convolutions())
def test_conv2d_derivatives(case):
    x, w, e, how = case

    assert_derivative(
        lambda v: inner(e, oracle.conv2d(v, w, **how)),
        x,
        oracle.conv2d_error(e, w, oracle.shape_of(x), **how),
    )
    assert_derivative(
        lambda v: inner(e, oracle.conv2d(x, v, **how)),
        w,
        oracle.conv2d_gradient(x, e, oracle.shape_of(w), **how),
    )


def test_conv2d_by_hand():
    x, w = [[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]], [[[[1, 2], [3, 4]]]]
    assert oracle.conv2d(x, w) == [[[[37, 47], [67, 77]]]]
    assert oracle.conv2d(x, w, dilation=(2, 2)) == [[[[1 + 6 + 21 + 36]]]]
    assert oracle.conv2d(x, w, stride=(2, 2), padding=(1, 0, 1, 0)) == [[[[4, 18], [36, 77]]]]
    two = [[x[0][0], oracle.each(lambda a: -a, x[0][0])]]
    grouped = oracle.conv2d(two, [w[0], w[0]], groups=2)
    assert grouped == [[[[37, 47], [67, 77]], [[-37, -47], [-67, -77]]]]


def test_conv2d_of_one_pixel_is_linear():
    x, w = [[3, -1, 2], [0, 5, 7]], [[1, 2, 3], [4, 5, 6]]
    pixels = [[[[a]] for a in row] for row in x]
    filters = [[[[a]] for a in row] for row in w]
    y = oracle.conv2d(pixels, filters)
    assert oracle.linear(x, w) == [[a[0][0] for a in image] for image in y]


@few
@given(case=strategies.codes_NI_OI())
def test_linear_derivatives(case):
    x, w, e = case
    assert_derivative(lambda v: inner(e, oracle.linear(v, w)), x, oracle.linear_error(e, w))
    assert_derivative(lambda v: inner(e, oracle.linear(x, v)), w, oracle.linear_gradient(x, e))


@few
@given(case=strategies.poolings())
def test_max_pool2d_derivative_takes_the_first_maximum(case):
    """Ties are broken by lowering each pixel by its index times a small rational."""
    x, e, how = case
    y, winners = oracle.max_pool2d(x, **how)
    _, C, H, W = oracle.shape_of(x)
    tiny = Fraction(1, 8 * H * W)
    unequal = oracle.each(lambda a: a, x)
    for position in positions(x):
        lowered = oracle.at(x, position) - (position[2] * W + position[3]) * tiny
        oracle.put(unequal, position, lowered)
    assert oracle.max_pool2d(unequal, **how)[1] == winners
    assert oracle.each(math.ceil, oracle.max_pool2d(unequal, **how)[0]) == y
    assert_derivative(
        lambda v: inner(e, oracle.max_pool2d(v, **how)[0]),
        unequal,
        oracle.max_pool2d_error(e, winners, oracle.shape_of(x), **how),
        amount=tiny / 2,
    )


@few
@given(case=strategies.poolings("avg_pool2d"), lshift=st.integers(0, 6))
def test_avg_pool2d_derivative_is_within_half_a_unit_a_window(case, lshift):
    x, e, how = case
    KH, KW = how["kernel_size"]
    d = oracle.avg_pool2d_error(e, oracle.shape_of(x), **how, lshift=lshift)
    exact = oracle.filled(oracle.shape_of(x), Fraction(0))
    cover = oracle.filled(oracle.shape_of(x))
    for n, c, oh, ow in positions(e):
        for kh, kw in product(range(KH), range(KW)):
            place = n, c, oh * how["stride"][0] + kh, ow * how["stride"][1] + kw
            share = Fraction(e[n][c][oh][ow], KH * KW)
            oracle.put(exact, place, oracle.at(exact, place) + share)
            oracle.put(cover, place, oracle.at(cover, place) + 1)
    for place in positions(x):
        distance = abs(Fraction(oracle.at(d, place), 2**lshift) - oracle.at(exact, place))
        assert distance * 2 ** (lshift + 1) <= oracle.at(cover, place)
        if (KH * KW) in (1, 2, 4) and lshift >= 2:
            assert distance == 0


def test_avg_pool2d_by_hand():
    x = [[[[1, 2], [3, 4]]]]
    assert oracle.avg_pool2d(x, (2, 2), (2, 2)) == [[[[2]]]]  # 2.5 is a tie
    assert oracle.avg_pool2d([[[[3, 4]]]], (1, 2), (1, 2)) == [[[[4]]]]  # 3.5 too
    assert oracle.avg_pool2d_error([[[[7]]]], (1, 1, 1, 3), (1, 3), (1, 1), 2) == [[[[9, 9, 9]]]]


@few
@given(x=strategies.codes_NCHW(), data=st.data())
def test_relu_derivative(x, data):
    e = data.draw(strategies.codes(oracle.shape_of(x), -9, 9))
    y, mask = oracle.relu(x)
    assert oracle.flat(y) == [max(a, 0) for a in oracle.flat(x)]
    step = Fraction(-1, 2)  # at zero the derivative from below is the one that the mask takes
    assert_derivative(lambda v: inner(e, oracle.relu(v)[0]), x, oracle.masked(e, mask), step)


@few
@given(
    x=strategies.codes_NCHW(-2000, 2000), f=st.integers(0, 14), kA=strategies.narrow_bits
)
def test_requantize_and_its_straight_through_mask(x, f, kA):
    y, mask = oracle.requantize(oracle.Tensor(x, f), kA)
    for position in positions(x):
        real = Fraction(oracle.at(x, position), 2**f)
        quantised = Fraction(oracle.at(y.codes, position), 2 ** (kA - 1))
        assert quantised == oracle.quantize(real, kA)
        assert oracle.at(mask, position) == (abs(real) <= 1 - Fraction(2, 2**kA))


def test_clip_mask_is_not_a_function_of_the_output():
    x = oracle.Tensor([[508, 509, 510, 600]], 9)
    y, mask = oracle.requantize(x, 8)
    assert (y.codes, mask) == ([[127, 127, 127, 127]], [[1, 0, 0, 0]])


# ---------------------------------------------------------------------------- errors


@few
@given(e=strategies.codes_NCHW(-5000, 5000), f=st.integers(-3, 9), kE=strategies.narrow_bits)
def test_error_quantiser_is_the_papers(e, f, kE):
    """Q(e / Shift(max abs e), kE), and the value's exponent goes along."""
    y = oracle.quantize_error(oracle.Tensor(e, f), kE)
    largest_error = oracle.max_abs(e)
    if largest_error == 0:
        assert y == (e, f, kE)
        return
    n = oracle.shiftexp(largest_error)
    for position in positions(e):
        expected = oracle.quantize(Fraction(oracle.at(e, position), 1) / 2**n, kE)
        assert Fraction(oracle.at(y.codes, position), 2 ** (kE - 1)) == expected
    # one unit of y is 2**(n - (kE - 1)) units of e
    assert y.frac_bits == f - (n - (kE - 1))


@few
@given(e=strategies.codes_NCHW(-5000, 5000), kE=strategies.narrow_bits)
def test_error_quantiser_ignores_doubling(e, kE):
    once = oracle.quantize_error(oracle.Tensor(e, 4), kE)
    twice = oracle.quantize_error(oracle.Tensor(oracle.each(lambda a: 2 * a, e), 5), kE)
    assert once.codes == twice.codes
    assert once.frac_bits == twice.frac_bits or oracle.max_abs(e) == 0


def test_dead_units_count_in_the_maximum():
    layers = [{"kind": "relu"}, {"kind": "requantize"}]
    oracle.forward(layers, oracle.Tensor([[-1, 1]], 7), (2, 8, 8, 8))
    e = oracle.backward(layers, oracle.Tensor([[1000, 1]], 0), (2, 8, 8, 8))
    assert e.codes == [[0, 0]]  # n = 10: 1 / 2**3 rounds to 0, though the 1000 dies in the mask


@few
@given(data=st.data())
def test_sums_keep_values(data):
    shape = data.draw(strategies.shape_NCHW())
    terms = [
        oracle.Tensor(data.draw(strategies.symmetric(shape, 8)), data.draw(st.integers(-4, 9)))
        for _ in range(3)
    ]
    total = oracle.add(*terms)
    joined = oracle.concatenate(terms)
    parts = oracle.split(joined, [shape[1]] * 3)

    def values(t):
        return oracle.each(lambda a: Fraction(a) / Fraction(2) ** t.frac_bits, t.codes)

    assert values(total) == oracle.each(lambda *v: sum(v), *map(values, terms))
    assert list(map(values, parts)) == list(map(values, terms))


# ---------------------------------------------------------------------------- losses


@few
@given(data=st.data(), f=st.integers(0, 9))
def test_sse_error_is_the_derivative_of_half_the_squares(data, f):
    """d(e*e/2) = e: the central difference of a square is exact."""
    output = data.draw(strategies.codes((3, 4), -600, 600))
    labels = data.draw(st.lists(st.integers(0, 3), min_size=3, max_size=3))
    e = oracle.sse_error(oracle.Tensor(output, f), labels)
    for position in positions(output):
        above, below = (
            oracle.sse_loss(oracle.Tensor(moved(output, position, d), f), labels) for d in (1, -1)
        )
        slope = (above - below) / (2 * Fraction(1, 2**f))
        assert slope == Fraction(oracle.at(e.codes, position), 2**e.frac_bits)


def test_exponentials():
    """Entries of the table against their definition, and e**-d through them."""
    assert [oracle.exponential(u, 8) for u in (0, 128, 256, 384)] == [32768, 23170, 16384, 11585]
    for t in range(256):
        m = oracle.power_of_two(t)
        assert abs(m - 2 ** (15 - t / 256)) <= 0.5 + 1e-6
    # u keeps 8 fraction bits, so a power is at most 2**(1/256) too large, and the shift cuts it
    for code in range(0, 4096, 7):
        power, real = oracle.exponential(code * 1477 >> 10, 9), 2**15 * math.exp(-code / 512)
        assert real * (1 - 1e-3) - 1.5 <= power <= real * 1.004 + 0.5


@few
@given(data=st.data(), f=st.integers(8, 12))
def test_softmax_error_is_the_derivative_of_cross_entropy(data, f):
    """Near p - onehot of the true softmax: within 2**-6, and its sum within rounding of zero."""
    output = data.draw(strategies.codes((2, 5), -4000, 4000))
    labels = data.draw(st.lists(st.integers(0, 4), min_size=2, max_size=2))
    e = oracle.softmax_error(oracle.Tensor(output, f), labels)
    assert e.frac_bits == 15
    for row, errors, label in zip(output, e.codes, labels, strict=True):
        powers = [math.exp((z - max(row)) / 2**f) for z in row]
        assert abs(sum(errors)) <= 3
        for c, power in enumerate(powers):
            assert abs(errors[c] / 2**15 - (power / sum(powers) - (c == label))) < 2**-6


# ---------------------------------------------------------------------------- update


@pytest.mark.parametrize(("p", "q", "rshift"), [(1, 1, 3), (3, 1, 4), (5, 3, 2), (8, 1, 0)])
def test_update_mean_is_the_exact_quotient(p, q, rshift):
    """Over r evenly spread in u32 the mean is |g| p / D as nearly as 2**32 is divisible by D."""
    D = q << rshift
    for g in range(-20, 21):
        spread = [(2 * k + 1) * 2**31 // D for k in range(D)]
        total = sum(oracle.stochastic_quotient(g, p, q, rshift, r) for r in spread)
        assert total == g * p


def test_update_does_not_depend_on_how_the_rate_is_split():
    """2 p / q at rshift + 1 is p / q at rshift: a power of two in the rate is a shift."""
    for g, r, rshift in product((0, 1, 77, -1000), (0, 2**31, 2**32 - 1), (0, 5, 31, 40)):
        for p, q in ((1, 1), (3, 5), (1, 10)):
            one = oracle.stochastic_quotient(g, p, q, rshift, r)
            assert oracle.stochastic_quotient(g, 2 * p, q, rshift + 1, r) == one


@few
@given(
    data=st.data(),
    lr=st.sampled_from([Fraction(8), Fraction(1), Fraction(1, 8), Fraction(3, 10)]),
    seed=strategies.seeds,
)
def test_update_bound(data, lr, seed):
    """|d| <= ceil(sqrt2 lr), the weight stays in its clip, and 2888 is the closed form."""
    shape = data.draw(st.sampled_from([(2, 3), (1, 7), (2, 1, 3, 2)]))
    master = data.draw(strategies.codes(shape, -64, 64))
    gradient = data.draw(strategies.codes(shape, -(2**20), 2**20))
    new, steps = oracle.update(master, gradient, 2, 8, lr, seed, 5, 1)
    assert oracle.max_abs(new) <= 64
    assert oracle.max_abs(steps) ** 2 <= max(2, (math.isqrt(math.floor(2 * lr * lr)) + 1) ** 2)
    m = oracle.max_abs(gradient)
    if m == 0:
        assert new == master and oracle.max_abs(steps) == 0
        return
    s = oracle.shiftexp(m) - {8: 3, 1: 0}.get(lr, 0)
    if lr in (8, 1) and 0 < s <= 32:
        order = oracle.memory_order(shape)
        for position in positions(master):
            R = oracle.random_u32(seed, "update", 5, 1, order.index(position)) >> (32 - s)
            g = oracle.at(gradient, position)
            assert oracle.at(steps, position) == oracle.round_shift(g, s, "stochastic", R)


# ---------------------------------------------------------------------------- initialisation


def test_initial_ternary_weights_are_equiprobable():
    master = oracle.initialize((40, 75), 75, 2, 8, seed=3, tensor=0)
    counts = {code: oracle.flat(master).count(code) for code in (-64, 0, 64)}
    assert sum(counts.values()) == 3000
    # binomial(3000, 1/3) has deviation 26; six of them
    assert all(abs(count - 1000) < 6 * 26 for count in counts.values())


@given(fan_in=st.integers(1, 10**5), kW=st.integers(2, 16))
def test_initial_limit(fan_in, kW):
    limit = Fraction(oracle.init_limit(fan_in, kW), 2**30)
    least = Fraction(3, 2**kW)  # 1.5 sigma
    assert limit >= least
    if limit > least:
        assert limit**2 <= Fraction(3, fan_in) < (limit + Fraction(1, 2**30)) ** 2
    else:
        assert Fraction(3, fan_in) < (least + Fraction(1, 2**30)) ** 2


def test_initial_weights_are_uniform_draws_of_the_stream():
    """Against the real formula: Q(L * (2 r + 1 - 2**32) / 2**32, kW), L a multiple of 2**-30."""
    for kW, kG in ((2, 8), (4, 8), (8, 8), (8, 4)):
        master = oracle.initialize((3, 5), 5, kW, kG, seed=11, tensor=2)
        limit = Fraction(oracle.init_limit(5, kW), 2**30)
        for element, position in enumerate(oracle.memory_order((3, 5))):
            r = oracle.random_u32(11, "init", 0, 2, element)
            real = oracle.quantize(limit * Fraction(2 * r + 1 - 2**32, 2**32), kW)
            code = oracle.round_fraction(real * 2 ** (kG - 1), "half_even")
            assert oracle.at(master, position) == code


# ---------------------------------------------------------------------------- whole nets


def small_net():
    """One of everything."""
    same, pool = {"padding": "same"}, {"kernel_size": (2, 2), "stride": (2, 2)}
    a, relu, three = {"kind": "requantize"}, {"kind": "relu"}, {"kernel_size": (3, 3)}
    body = [{"kind": "conv2d", "out_channels": 3, **three, **same}]
    branches = [
        [{"kind": "conv2d", "out_channels": 2, "kernel_size": (1, 1)}, relu, a],
        [{"kind": "conv2d", "out_channels": 1, **three, **same}, relu, a],
    ]
    return [
        {"kind": "conv2d", "out_channels": 3, **three, **same},
        {"kind": "max_pool2d", **pool},
        relu,
        a,
        {"kind": "residual", "body": body},
        relu,
        a,
        {"kind": "concatenate", "branches": branches},
        {"kind": "avg_pool2d", "kernel_size": None},
        {"kind": "flatten"},
        {"kind": "linear", "out_features": 4},
    ]


@pytest.mark.parametrize(("bits", "lr"), [((2, 8, 8, 8), 4), ((4, 8, 12, 10), 64)])
def test_small_net_learns_one_batch(bits, lr):
    """Every layer kind in one net: the loss of a fixed batch falls."""
    pixels = [(37 * p + 90 * n) % 256 for n in range(4) for p in range(16)]
    images = oracle.folded(pixels, (4, 1, 4, 4))
    labels, layers, losses = [0, 1, 2, 3], oracle.copied(small_net()), []
    assert oracle.build(layers, (1, 4, 4), bits, seed=1) == (4,)
    assert [layer["tensor"] for layer in oracle.parameters(layers)] == [0, 1, 2, 3, 4]
    for step in range(20):
        output, error = oracle.train_step(layers, images, labels, bits, Fraction(lr), 1, step)
        assert error == oracle.sse_error(output, labels)
        losses.append(oracle.sse_loss(output, labels))
    assert min(losses[-5:]) < losses[0]
