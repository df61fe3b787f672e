"""Device files: what is written reads back equal, and what cannot be is said in one line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intflow.device import presets
from intflow.device.accumulator import ORDERS, Accumulator
from intflow.device.device import SLOTS, Device
from intflow.device.random import Lfsr, Philox
from intflow.errors import IntflowError
from intflow.formats import Overflow, Rounding


@st.composite
def accumulators(draw, usual):
    check = draw(st.sampled_from(["end", "tile", "product"]))
    order = draw(st.just("") | st.permutations(usual).map("".join))
    return Accumulator(
        draw(st.integers(8, 64)), draw(st.sampled_from(Overflow)), check,
        draw(st.integers(1, 10**6)) if check == "tile" else 0, order,
        draw(st.just(0) | st.integers(2, 64)),
    )  # fmt: skip


SOURCES = [None, Philox(), Lfsr(16, (16, 14, 13, 11), seed=(1, 2), lanes=2),
           Lfsr(64, (64, 63, 61, 60))]
DEVICES = st.builds(
    Device, st.text("aZ09 -_\"\\'=[]#", min_size=1, max_size=20),
    *[accumulators(order) for order in ORDERS.values()],
    st.dictionaries(st.sampled_from(SLOTS), st.sampled_from(Rounding)), st.sampled_from(SOURCES),
)  # fmt: skip


@settings(max_examples=100, deadline=None, derandomize=True)
@given(DEVICES)
def test_text_reads_back_equal(device):
    text = device.to_toml()
    again = Device.read(text)
    assert again == device and hash(again) == hash(device)
    assert again.to_toml() == text
    assert text.isascii()


@pytest.mark.parametrize("name", presets.PRESETS)
def test_presets(name, tmp_path):
    device = Device.read(name)
    assert device.name == name
    assert f"\n    {name} " in presets.__doc__
    file = tmp_path / "chip.toml"
    file.write_text(device.to_toml())
    assert Device.read(file) == Device.read(str(file)) == Device.read(device) == device


def test_what_is_left_out():
    assert Device.read("exact") == Device("exact")
    assert Device.read("[forward]\nbits = 20") == Device(forward=Accumulator(20))
    assert Device().forward.order == "HWI" and Device().gradient.order == "NHW"
    assert Device().rounding == {} and Device().random is None


def test_a_file_without_a_name_has_its_own(tmp_path):
    (tmp_path / "my chip.toml").write_text("[accumulator]\nbits = 20\n")
    assert Device.read(tmp_path / "my chip.toml").name == "my chip"


def test_accumulator_holds_for_all_unless_one_says_otherwise():
    device = Device.read("""
        [accumulator]
        bits = 18
        overflow = "AP_SAT_SYM"
        check = "tile"
        tile = 4
        product_bits = 12
        [error]
        bits = 20
        order = "OHW"
        [gradient]
        check = "product"
        overflow = "trap"
    """)
    symmetric = Overflow.SATURATE_SYMMETRIC
    assert device.forward == Accumulator(18, symmetric, "tile", 4, "HWI", 12)
    assert device.error == Accumulator(20, symmetric, "tile", 4, "OHW", 12)
    assert device.gradient == Accumulator(18, "trap", "product", 0, "NHW", 12)


def test_roundings_by_any_name():
    names = {"weight": "AP_TRN", "activation": "Half-Away", "error": "rnd_conv"}
    lines = "\n".join(f'{slot} = "{name}"' for slot, name in names.items())
    device = Device.read(f"[rounding]\n{lines}")
    assert device.rounding == {"weight": Rounding.FLOOR, "activation": Rounding.HALF_AWAY,
                               "error": Rounding.HALF_EVEN}


def test_random_source():
    text = '[random]\nkind = "lfsr"\nwidth = 16\ntaps = [16, 14, 13, 11]\nbits = 8\n'
    assert Device.read(text).random == Lfsr(16, (16, 14, 13, 11), bits=8)


@pytest.mark.parametrize("text, words", [
    ("acc24-satur", "unknown device 'acc24-satur': did you mean acc24-saturate"),
    ("none.toml", "or a TOML file"),
    ("bits = 16", "unknown key 'bits'; known are name, accumulator, forward, error, gradient"),
    ("[forwards]\nbits = 16", "unknown key 'forwards'; did you mean forward?"),
    ("[forward]\nbit = 16", "[forward]: unknown key 'bit'; did you mean bits?"),
    ("[accumulator]\norder = 'HWI'", "[accumulator]: unknown key 'order'"),
    ("[rounding]\nweigth = 'floor'", "unknown key 'weigth'; did you mean weight?"),
    ("[rounding]\nweight = 'flor'", "unknown rounding 'flor': did you mean floor"),
    ("[forward]\nbits = 7", "8 to 64 bits, got 7"),
    ("[forward]\nbits = 16.0", "bits takes an integer, got 16.0"),
    ("[forward]\nbits = true", "bits takes an integer, got True"),
    ("[forward]\noverflow = 1", "unknown overflow '1'"),
    ("[forward]\ncheck = []", "unknown check '[]'"),
    ("[forward]\norder = 'NHW'", "forward: order takes a permutation of HWI, got NHW"),
    ("forward = 16\n", "forward is a table, [forward], got 16"),
    ("name = 5\n", "1 to 80 ASCII letters, got 5"), ("name = ''\n", "got ''"),
    ("name = 'é'\n", "ASCII letters"), ("x = [", "not TOML"),
    ("[random]\nkind = 'lfs'", "unknown random source 'lfs': did you mean lfsr"),
    ("[random]\nkind = 'lfsr'\nwidth = 99\ntaps = [99]", "2..64, got 99"),
    ("/", "cannot read the device /"), ("a\0b", "cannot read the device"),
])
def test_refused_in_one_line(text, words):
    with pytest.raises(IntflowError) as refused:
        Device.read(text)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_a_binary_file_is_refused(tmp_path):
    (tmp_path / "noise.toml").write_bytes(b"\xff\x00\xfe")
    with pytest.raises(IntflowError, match="cannot read the device"):
        Device.read(tmp_path / "noise.toml")
