"""`intflow verify`: the first difference, to the bit, and one line for what cannot be compared."""

import json
import shutil

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command_line import call
from device import tiny
from intflow.device.trace_files import TraceFile
from intflow.device.verify import verify
from intflow.errors import TraceError

HOME = "step/000000"


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    path = tmp_path_factory.mktemp("trace") / "trace.npz"
    tiny.write_trace(path)
    return path


@pytest.fixture(scope="module")
def tensors(trace):
    """{name: codes} in the order of computation."""
    with TraceFile(trace) as file:
        names = sorted(file.tensors, key=lambda n: (n.split("/")[1], file.tensors[n]["order"]))
        return {name: file.read(name) for name in names}


def dump(path, tensors):
    np.savez(path, **tensors)
    return path


@settings(max_examples=40)
@given(st.data())
def test_the_first_changed_bit_is_named(trace, tensors, tmp_path_factory, data):
    """Any bits of any tensors, several at once: the first one computed is reported."""
    names, changed = list(tensors), {}
    places = st.lists(st.integers(0, len(names) - 1), min_size=1, max_size=3, unique=True)
    for place in data.draw(places):
        codes = tensors[names[place]].copy()
        flat = data.draw(st.integers(0, codes.size - 1))
        bit = data.draw(st.integers(0, min(8 * codes.dtype.itemsize, 32) - 2))
        codes.reshape(-1)[flat] ^= 1 << bit
        changed[names[place]] = codes, flat, bit
    path = tmp_path_factory.mktemp("dump") / "dump.npz"
    verdict = verify(trace, dump(path, {**tensors, **{n: c[0] for n, c in changed.items()}}))
    name = min(changed, key=names.index)
    codes, flat, bit = changed[name]
    found = verdict.difference
    parts = ["step", f"{found.step:06d}", found.layer, found.tensor]
    assert "/".join(part for part in parts if part) == name
    assert tuple(found.index.values()) == tuple(map(int, np.unravel_index(flat, codes.shape)))
    assert (found.bit, found.differing, found.values) == (bit, 1, codes.size)
    assert found.expected == tensors[name].reshape(-1)[flat]
    assert found.got == codes.reshape(-1)[flat]
    assert verdict.compared == names.index(name) + 1


def test_text_of_a_difference(trace, tensors, tmp_path, capsys):
    name = f"{HOME}/conv2d_1/update"
    wrong = tensors[name].copy()
    wrong[1, 0, 2, 1] = tensors[name][1, 0, 2, 1] - 4
    path = dump(tmp_path / "dump.npz", {name: wrong})
    code, out, err = call(capsys, "verify", trace, path)
    one, other = int(tensors[name][1, 0, 2, 1]), int(wrong[1, 0, 2, 1])
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        f"{path} differs first at step 0, conv2d_1/update [o=1, i=0, h=2, w=1], bit 2 (1 of 72 "
        "values differ)",
        f"  expected {one}  0x{one % 2**32:08x}  (32 bits)",
        f"  got      {other}  0x{other % 2**32:08x}  (32 bits)",
        f"0 of {len(tensors)} tensors compared and equal, {len(tensors) - 1} not in {path}",
    ]


def test_parts_are_compared_and_counted(trace, tensors, tmp_path, capsys):
    some = dict(list(tensors.items())[3:9])
    path = dump(tmp_path / "part.npz", some)
    code, out, _ = call(capsys, "verify", trace, path)
    missing = len(tensors) - 6
    assert code == 0
    assert out == f"6 of {len(tensors)} tensors compared and equal, {missing} not in {path}\n"
    code, out, _ = call(capsys, "verify", trace, path, "--strict")
    assert code == 1 and f"missing: {HOME}/images" in out and f"{missing - 5} more" in out
    code, out, _ = call(capsys, "verify", trace, path, "--json")
    report = json.loads(out)
    assert code == 0 and report["equal"] and report["compared"] == 6
    assert set(report["missing"]) == set(tensors) - set(some)


def test_unknown_names_are_told(trace, tensors, tmp_path, capsys):
    name = f"{HOME}/conv2d_1/output"
    both = dict.fromkeys((name, f"{HOME}/conv2d_1/outptu"), tensors[name])
    path = dump(tmp_path / "more.npz", both)
    code, out, _ = call(capsys, "verify", trace, path)
    assert code == 0 and f"extra: {HOME}/conv2d_1/outptu" in out
    assert call(capsys, "verify", trace, path, "--strict")[0] == 1
    path = dump(tmp_path / "none.npz", {"conv2d_1/output": tensors[name]})
    code, out, err = call(capsys, "verify", trace, path)
    assert (code, out) == (1, "") and "holds none of the" in err and len(err.splitlines()) == 1


def test_hex_without_a_manifest(trace, tensors, tmp_path):
    """What $writememh leaves: the trace says shape and width."""
    name = f"{HOME}/linear_1/error_in"
    (tmp_path / f"{name}.hex").parent.mkdir(parents=True)
    text = "// 0x00000000\n" + "\n".join(f"{c % 256:02X}" for c in tensors[name].ravel().tolist())
    (tmp_path / f"{name}.hex").write_text(text)
    verdict = verify(trace, tmp_path)
    assert verdict.equal and verdict.compared == 1
    (tmp_path / f"{name}.hex").write_text(text + "\n00\n")
    with pytest.raises(TraceError, match=r"holds 16 values, its shape \(3, 5\) takes 15"):
        verify(trace, tmp_path)


def test_hdf5_of_another_program(trace, tensors, tmp_path):
    """Data sets alone, of any integer type; an attribute is compared where it is stated."""
    path, name = tmp_path / "dump.h5", f"{HOME}/conv2d_1/output"
    with h5py.File(path, "w") as file:
        file[name] = tensors[name].astype(np.int64)
    assert verify(trace, path).equal
    with h5py.File(path, "r+") as file:
        file[name].attrs["frac_bits"] = 3
    difference = verify(trace, path).difference
    assert difference.what == "frac_bits" and difference.got == 3
    assert difference.lines()[0].startswith(
        "differs first at step 0, conv2d_1/output: frac_bits expected ")
    with h5py.File(path, "w") as file:
        file[name] = tensors[name].transpose(1, 0, 2, 3)
    assert verify(trace, path).difference.lines() == [
        "differs first at step 0, conv2d_1/output: shape expected 3x4x8x7, got 4x3x8x7"]


def test_values_beyond_the_width(trace, tensors, tmp_path):
    name = f"{HOME}/images"
    wrong = tensors[name].astype(np.uint64)
    wrong[2, 1, 7, 6] += np.uint64(1 << 63)
    found = verify(trace, dump(tmp_path / "wide.npz", {name: wrong})).difference
    assert found.bit == 63 and found.got == found.expected + (1 << 63)
    assert "(64 bits)" in found.lines()[2]


def images(array):
    """Writes an .npz that holds this as the images."""
    return lambda path, trace: np.savez(path.open("wb"), **{f"{HOME}/images": array})


def manifest(text):
    """Writes an .npz with nothing but a manifest."""
    return lambda path, trace: np.savez(path.open("wb"), manifest=np.array(text))


BROKEN = {
    "missing": lambda path, trace: None,
    "garbage": lambda path, trace: path.write_bytes(b"not a trace at all" * 40),
    "empty file": lambda path, trace: path.write_bytes(b""),
    "half": lambda path, trace: path.write_bytes(trace.read_bytes()[:5000]),
    "altered": lambda path, trace: path.write_bytes(altered(trace.read_bytes())),
    "no manifest": images(np.zeros(3, int)),
    "pickle": images(np.full((3, 2, 8, 7), print)),
    "floats": images(np.zeros((3, 2, 8, 7))),
    "not JSON": manifest("{"),
    "wrong JSON": manifest('{"tensors": {"a": 1}}'),
    "half HDF5": lambda path, trace: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200)),
    "folder": lambda path, trace: path.mkdir(),
}


def altered(data):
    return data[:3000] + bytes([data[3000] ^ 255]) + data[3001:]


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("place", ["trace", "dump"])
def test_broken_files_are_one_line(what, place, trace, tmp_path, capsys):
    path = tmp_path / "broken"
    BROKEN[what](path, trace)
    arguments = (path, trace) if place == "trace" else (trace, path)
    code, out, err = call(capsys, "verify", *arguments)
    if what == "no manifest" and place == "dump":
        assert code == 1 and "shape expected 3x2x8x7, got 3" in out
        return
    assert (code, out) == (1, ""), (out, err)
    assert len(err.splitlines()) == 1 and "Traceback" not in err


def test_trace_against_itself_in_every_form(trace, tmp_path):
    for name in ("t.h5", "t"):
        tiny.write_trace(tmp_path / name)
        for pair in ((trace, tmp_path / name), (tmp_path / name, trace)):
            verdict = verify(*pair)
            assert verdict.equal and not verdict.missing and not verdict.extra
    shutil.rmtree(tmp_path / "t/step/000001")
    assert len(verify(tmp_path / "t.h5", tmp_path / "t").missing) == verdict.tensors // 2
