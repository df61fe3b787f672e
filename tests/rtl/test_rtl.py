"""Verilog beside the engine: a MAC, a requantiser and an LFSR give the integers of its traces.

A device is trained for two steps and traced to $readmemh text; each test bench reads tensors of
the trace, computes the next one in Icarus Verilog and dumps it, and `verify` compares every bit.
"""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import oracle
from intflow import Trainer
from intflow.device.accumulator import Accumulator
from intflow.device.device import Device
from intflow.device.random import Lfsr
from intflow.device.trace import write_head, write_step
from intflow.device.trace_files import TraceFile, create
from intflow.device.verify import verify
from intflow.layers import Conv2d, Flatten, Linear, ReLU, Requantize, Sequential

pytestmark = pytest.mark.skipif(
    shutil.which("iverilog") is None,
    reason="Icarus Verilog is not installed; apt-get install iverilog",
)

HERE = Path(__file__).parent
STEPS = 2
OVERFLOWS = {"wrap": 0, "saturate": 1, "saturate_symmetric": 2}
BITS = 9            # too few for sums of 18 and 60 products of 8 by 2 bits
REGISTERS = {
    "fibonacci": Lfsr(width=16, taps=(16, 14, 13, 11), form="fibonacci", seed=0xACE1, bits=8),
    "galois": Lfsr(width=8, taps=(8, 6, 5, 4), form="galois", seed=1, bits=5),
}


def write_trace(path, device):
    """Two steps of a small net on a device, as $readmemh text."""
    net = Sequential(Conv2d(3, 3, stride=2, padding=1), ReLU(), Requantize(), Flatten(), Linear(5))
    trainer = Trainer(net, input_shape=(2, 9, 8), seed=4, batch_size=3, threads=1, device=device)
    random = np.random.default_rng(0)
    with create(path) as file:
        for step in range(STEPS):
            images = random.integers(0, 256, (3, 2, 9, 8), np.uint8)
            result = trainer.step(images, random.integers(0, 5, 3), record=True)
            write_step(file, trainer.network, result.recorder, step, trainer.rate)
        write_head(file, device=trainer.device.to_toml() if trainer.device else "")
    return path


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """{device: path}"""
    folder = tmp_path_factory.mktemp("traces")
    devices = {"exact": None}
    for overflow in OVERFLOWS:
        devices[overflow] = Device(forward=Accumulator(BITS, overflow, "product"))
    for form, register in REGISTERS.items():
        devices[form] = Device(random=register)
    return {name: write_trace(folder / name, device) for name, device in devices.items()}


def simulate(folder, bench, parameters, files):
    """Compile a test bench with its units, and run it on {plusarg: file}."""
    program = folder / "program"
    settings = [f"-P{bench}.{name}={value}" for name, value in parameters.items()]
    sources = [HERE / f"{name}.v" for name in (bench, "mac", "requantize", "lfsr")]
    run(["iverilog", "-g2005", "-s", bench, "-o", program, *settings, *sources])
    for file in files.values():
        file.parent.mkdir(parents=True, exist_ok=True)
    run(["vvp", "-n", program, *(f"+{name}={file}" for name, file in files.items())])


def run(command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def read_words(path):
    """Unsigned values of a file that $writememh wrote."""
    lines = path.read_text().splitlines()
    return [int(line, 16) for line in lines if not line.startswith("//")]


def hex_file(folder, name):
    return folder / f"{name}.hex"


def layer(trace, dump, name, **changes):
    """The forward product of a layer on the MAC, from trace to dump."""
    with TraceFile(trace) as file:
        x, w, y = (file.tensors[f"{name}/{t}"] for t in ("input", "weight_q", "output"))
        group = file.groups[name]
    (n, c, h, v), (o, _, kh, kw), (_, _, oh, ow) = ((*t["shape"], 1, 1)[:4] for t in (x, w, y))
    stride, padding = group.get("stride", (1, 1)), group.get("padding", (0, 0, 0, 0))
    parameters = dict(
        N=n, C=c, H=h, W=v, O=o, KH=kh, KW=kw, OH=oh, OW=ow,
        STRIDE_H=stride[0], STRIDE_W=stride[1], TOP=padding[0], LEFT=padding[2],
        X_BITS=x["bits"], W_BITS=w["bits"], Y_BITS=y["bits"],
    )
    files = dict(x=hex_file(trace, f"{name}/input"), w=hex_file(trace, f"{name}/weight_q"),
                 y=hex_file(dump, f"{name}/output"))
    simulate(dump, "layer_tb", {**parameters, **changes}, files)


@pytest.mark.parametrize("overflow", ["exact", *OVERFLOWS])
def test_mac(overflow, traces, tmp_path):
    setting = {} if overflow == "exact" else dict(ACC_BITS=BITS, OVERFLOW=OVERFLOWS[overflow])
    for step in range(STEPS):
        for name in ("conv2d_1", "linear_1"):
            layer(traces[overflow], tmp_path, f"step/{step:06d}/{name}", **setting)
    verdict = verify(traces[overflow], tmp_path)
    assert verdict.equal and verdict.compared == 2 * STEPS, verdict.difference


@pytest.mark.parametrize("overflow", OVERFLOWS)
def test_another_mac_is_found_out(overflow, traces, tmp_path):
    """The net does overflow: an exact MAC differs, and so does each kind from the others."""
    name = "step/000000/conv2d_1"
    for other in (dict(ACC_BITS=32), *(dict(ACC_BITS=BITS, OVERFLOW=code)
                                       for kind, code in OVERFLOWS.items() if kind != overflow)):
        layer(traces[overflow], tmp_path, name, **other)
        difference = verify(traces[overflow], tmp_path).difference
        assert (difference.layer, difference.tensor) == ("conv2d_1", "output")


NARROWINGS = [("relu_1/output", "requantize_1/output"), ("error", "linear_1/error_in")]


@pytest.mark.parametrize("wide, narrow", NARROWINGS)
def test_requantize(wide, narrow, traces, tmp_path):
    """[A] by a constant shift, [E] by one that follows the data."""
    for step in range(STEPS):
        source, target = (f"step/{step:06d}/{name}" for name in (wide, narrow))
        with TraceFile(traces["exact"]) as file:
            x, y = file.tensors[source], file.tensors[target]
        parameters = dict(SIZE=int(np.prod(x["shape"])), IN_BITS=x["bits"], OUT_BITS=y["bits"],
                          SHIFT=x["frac_bits"] - y["frac_bits"])
        simulate(tmp_path, "requantize_tb", parameters, dict(
            x=hex_file(traces["exact"], source), y=hex_file(tmp_path, target)))
    verdict = verify(traces["exact"], tmp_path)
    assert verdict.equal and verdict.compared == STEPS, verdict.difference


@pytest.mark.parametrize("shift", [-9, -2, 0, 1, 3, 9, 12])
@pytest.mark.parametrize("symmetric", [0, 1])
def test_requantize_exhaustively(shift, symmetric, tmp_path):
    """Every 10-bit integer to 5 bits, against the oracle."""
    codes = range(-512, 512)
    (tmp_path / "x.hex").write_text("".join(f"{c % 1024:03x}\n" for c in codes))
    parameters = dict(SIZE=1024, IN_BITS=10, OUT_BITS=5, SYMMETRIC=symmetric, SHIFT=shift)
    files = dict(x=tmp_path / "x.hex", y=tmp_path / "y.hex")
    simulate(tmp_path, "requantize_tb", parameters, files)
    narrow = [oracle.round_shift(c, shift, "half_even") for c in codes]
    expected = [oracle.clip(c, symmetric - 16, 15) % 32 for c in narrow]
    assert read_words(tmp_path / "y.hex") == expected


@pytest.mark.parametrize("form", REGISTERS)
def test_states_of_lfsr(form, tmp_path):
    """Shift by shift, a little further than the period of the 8-bit register."""
    register = REGISTERS[form]
    parameters = dict(SIZE=260, **wires(register))
    simulate(tmp_path, "lfsr_tb", parameters, dict(y=tmp_path / "y.hex"))
    assert read_words(tmp_path / "y.hex") == [register.state(i + 1) for i in range(260)]


def wires(register):
    """Parameters of `lfsr`."""
    return dict(WIDTH=register.width, TAPS=sum(1 << t - 1 for t in register.taps),
                GALOIS=int(register.form == "galois"), SEED=register.seed)


@pytest.mark.parametrize("form", REGISTERS)
def test_update_by_lfsr(form, traces, tmp_path):
    """Gradients become updates and new weights, a draw for each, tensor after tensor."""
    register, trace, skip = REGISTERS[form], traces[form], 0
    for step in range(STEPS):
        for name in ("conv2d_1", "linear_1"):
            home = f"step/{step:06d}/{name}"
            with TraceFile(trace) as file:
                about = [file.tensors[f"{home}/{t}"] for t in ("gradient", "weight", "update")]
                gradient = file.read(f"{home}/gradient")
            size = gradient.size
            parameters = dict(
                SIZE=size, **{f"{k}_BITS": a["bits"] for k, a in zip("GWU", about)},
                SHIFT=oracle.shiftexp(int(np.abs(gradient).max())) - 3, SKIP=skip,
                DRAW_BITS=register.bits, **wires(register),
            )
            files = dict(
                g=hex_file(trace, f"{home}/gradient"), w=hex_file(trace, f"{home}/weight"),
                u=hex_file(tmp_path, f"{home}/update"), v=hex_file(tmp_path, f"{home}/weight_new"))
            simulate(tmp_path, "update_tb", parameters, files)
            skip += size
    verdict = verify(trace, tmp_path)
    assert verdict.equal and verdict.compared == 4 * STEPS, verdict.difference
