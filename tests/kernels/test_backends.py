"""Choosing a backend; and that each really uses the instructions it is named for."""

import inspect
import re
import subprocess
import sys

import llvmlite.binding as llvm
import pytest
from llvmlite import ir

from intflow import kernels
from intflow.errors import BackendError, UnknownNameError, UsageError
from intflow.kernels import BACKENDS, KERNELS, available, load

from kernels.test_conv import child_environment


def run(code, **variables):
    """Standard output of a fresh Python."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**child_environment(), **variables}, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


# ---------------------------------------------------------------- the table
def test_importing_kernels_imports_no_numba():
    code = """
import sys
from intflow import kernels
kernels.load("reference").relu
kernels.load("reference").conv2d_forward
print("numba" in sys.modules)"""
    assert run(code) == "False"


def test_auto_takes_the_last_backend_of_the_table_that_runs():
    assert list(BACKENDS) == ["reference", "portable", "avx2", "vnni", "amx"]
    assert load().backend == [name for name, (runs, _) in available().items() if runs][-1]
    assert available()["reference"] == (True, "")
    assert available()["portable"] == (True, "")


def test_threads():
    assert load("portable", 3).threads == 3
    assert load("portable").threads >= 1
    assert "threads=3" in repr(load("portable", 3))
    with pytest.raises(UsageError, match="threads starts at 1, got 0"):
        load("portable", 0)


def test_unknown_backend_lists_the_near_ones():
    with pytest.raises(UnknownNameError, match="avx2"):
        load("avx512")


def test_a_backend_that_cannot_run_says_why(monkeypatch):
    from intflow.kernels.jit import cpu

    monkeypatch.setattr(cpu, "features", lambda: {"sse2", "avx2"})
    assert available()["vnni"] == (False, "the processor lacks avx512f, and AVX-VNNI")
    assert load().backend == "avx2"
    with pytest.raises(BackendError, match="the amx backend cannot run here.*avx512f"):
        load("amx")


def test_tiles_need_a_grant(monkeypatch):
    from intflow.kernels.jit import cpu

    everything = {"avx512f", "avx512bw", "avx512vl", "avx512vnni", "amx-tile", "amx-int8"}
    monkeypatch.setattr(cpu, "features", lambda: everything)
    monkeypatch.setattr(cpu, "request_tiles", lambda: False)
    assert available()["amx"] == (False, "the operating system does not grant AMX tiles")


def test_a_generic_processor_gets_the_portable_kernels():
    """Asking LLVM for an instruction it may not use would abort this process."""
    code = """
import numpy as np
from intflow import kernels
k = kernels.load("auto", 1)
x, w = np.full((1, 1, 7, 5), -127, np.int8), np.full((1, 1, 5, 9), 127, np.int8)
out = np.zeros((1, 1, 7, 9), np.int32)
k.conv2d_forward(out, x, w, (1, 1), (0, 0, 0, 0), (1, 1), 1, w_max=127)
names = [name for name, (runs, _) in kernels.available().items() if runs]
print(k.backend, set(out.ravel().tolist()), names)"""
    assert run(code, NUMBA_CPU_NAME="generic") == (
        f"portable {{{-5 * 127 * 127}}} ['reference', 'portable']")


def test_every_kernel_is_in_both_packages_with_the_same_arguments():
    reference, fast = load("reference"), load("portable", 1)
    for name in KERNELS:
        want = list(inspect.signature(getattr(reference, name)).parameters)
        got = list(inspect.signature(getattr(fast, name)).parameters)
        assert [argument for argument in got if argument != "ntask"] == want, name
        assert getattr(reference, name).__doc__, name
    with pytest.raises(AttributeError, match="no kernel is called 'convolve'"):
        fast.convolve


def test_compiled_code_of_other_sources_is_forgotten(tmp_path, monkeypatch):
    from intflow.kernels.jit.stale import MARK, forget_stale_code

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    for folder in (tmp_path, tmp_path / "inner"):
        (folder / "__pycache__").mkdir(parents=True)
        (folder / "file.py").write_text("one")
    index = tmp_path / "__pycache__" / "file.nbi"
    code = tmp_path / "__pycache__" / "file.1.nbc"

    def after(change):
        for path in (index, code):
            path.write_text("compiled")
        change()
        forget_stale_code(tmp_path)
        return index.exists()

    assert not after(lambda: None)  # nobody knows what it belongs to
    assert after(lambda: None)
    assert not after(lambda: (tmp_path / "inner" / "file.py").write_text("two"))
    assert after(lambda: None) and code.exists()
    assert (tmp_path / "inner" / "__pycache__" / MARK).is_file()


def test_cpu_features_are_sorted():
    assert kernels.cpu_features() == sorted(kernels.cpu_features())


# ---------------------------------------------------------------- instructions
ARGUMENTS = 14  # of a micro-kernel


def assembly(emit, arguments, cpu):
    """What LLVM makes of a micro-kernel for a processor, without running it."""
    word = ir.IntType(64)
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [word] * arguments), "block")
    b = ir.IRBuilder(function.append_basic_block())
    emit(b, list(function.args))
    b.ret_void()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    parsed = llvm.parse_assembly(str(module))
    parsed.triple = "x86_64-unknown-linux-gnu"
    parsed.verify()
    machine = llvm.Target.from_triple(parsed.triple).create_target_machine(cpu=cpu, opt=3)
    builder = llvm.create_pass_builder(
        machine, llvm.create_pipeline_tuning_options(speed_level=3))
    builder.getModulePassManager().run(parsed, builder)
    return machine.emit_assembly(parsed)


def instructions(text):
    """Set of instruction names."""
    return set(re.findall(r"^\t([a-z]\w+)", text, re.MULTILINE))


def test_vnni_uses_vpdpbusd():
    from intflow.kernels.jit.microkernels import dot4

    text = assembly(lambda b, a: dot4.emit(b, a, dot4.native), ARGUMENTS, "sapphirerapids")
    assert "vpdpbusd" in instructions(text)
    assert "%zmm31" in text or "%zmm30" in text  # the block fills the registers


def test_vnni_without_avx512_uses_short_vectors():
    from intflow.kernels.jit.microkernels import dot4

    text = assembly(lambda b, a: dot4.emit(b, a, dot4.native, dot4.SHORT), ARGUMENTS, "alderlake")
    assert "{vex}\tvpdpbusd" in text
    assert "%ymm14" in text and "%ymm16" not in text and "%zmm" not in text


def test_a_processor_with_avx_vnni_alone_runs_vnni():
    """This one, told to forget its AVX512."""
    features = [f"{'+' if has else '-'}{name}" for name, has in llvm.get_host_cpu_features().items()
                if not name.startswith(("avx512", "avx10", "amx", "evex512"))]
    if "+avxvnni" not in features:
        pytest.skip("this processor lacks AVX-VNNI")
    code = """
import numpy as np
from intflow.kernels import available, load
from intflow.kernels.jit.backends import BACKENDS
rng = np.random.default_rng(1)
x, w = (rng.integers(-127, 128, shape).astype(np.int8) for shape in ((5, 4, 7, 40), (3, 3, 40, 21)))
window = dict(stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1), groups=1)
found = []
for backend in ("reference", "vnni"):
    kernels = load(backend, 1)
    forward, gradient = np.zeros((5, 4, 7, 21), np.int32), np.zeros((3, 3, 40, 21), np.int32)
    kernels.conv2d_forward(forward, x, w, **window)
    kernels.conv2d_gradient(gradient, x, (forward >> 14).astype(np.int16), **window)
    found.append((forward.tobytes(), gradient.tobytes()))
products = kernels.conv2d_forward.func.__self__
print(products._choose is BACKENDS["avx_vnni"], found[0] == found[1], available()["amx"][0])"""
    assert run(code, NUMBA_CPU_NAME="alderlake", NUMBA_CPU_FEATURES=",".join(features)) == (
        "True True False")


def words_of(columns):
    """The emitter of a kernel of s16 pairs with AVX512-VNNI; 0 columns: that of s64 sums."""
    from intflow.kernels.jit.microkernels import dot2_vnni, dot2_wide, dot4

    if columns:
        shape = dot4.NARROW if columns == 16 else dot4.WIDE
        return lambda b, a: dot4.emit(b, a, dot2_vnni.native, shape)
    return lambda b, a: dot2_wide.emit(b, a, dot2_vnni.native, 16)


@pytest.mark.parametrize("columns", [32, 16, 0])
def test_vnni_uses_vpdpwssd(columns):
    """And nothing else: left alone, LLVM takes it apart for this processor."""
    text = assembly(words_of(columns), ARGUMENTS, "sapphirerapids")
    found = instructions(text)
    assert "vpdpwssd" in found and "vpmaddwd" not in found
    assert "%zmm" in text


def test_amx_uses_tiles():
    from intflow.kernels.jit.microkernels import tiles

    text = assembly(lambda b, a: tiles.emit(b, a, tiles.Native), ARGUMENTS, "sapphirerapids")
    wanted = {"tdpbssd", "tileloadd", "tileloaddt1", "tilestored"}
    assert wanted <= instructions(text)
    text = assembly(lambda b, a: tiles.emit(b, a, tiles.NativeUnsigned), ARGUMENTS, "sapphirerapids")
    assert "tdpbusd" in instructions(text) and "tdpbssd" not in instructions(text)
    begin = assembly(lambda b, a: tiles.emit_begin(b, a, tiles.Native), 1, "sapphirerapids")
    end = assembly(lambda b, a: tiles.emit_end(b, a, tiles.Native), 1, "sapphirerapids")
    assert "ldtilecfg" in instructions(begin) and "tilerelease" in instructions(end)


@pytest.mark.parametrize("name", ["byte_pairs", "byte_products"])
def test_avx2_uses_vpmaddubsw(name):
    if not available()["avx2"][0]:
        pytest.skip("importing the kernel compiles it, which needs AVX2")
    from importlib import import_module

    module = import_module(f"intflow.kernels.jit.microkernels.{name}")
    assert {"vpmaddubsw", "vpmaddwd"} <= instructions(assembly(module.emit, ARGUMENTS, "haswell"))


@pytest.mark.parametrize("cpu, name", [("haswell", "vpmaddwd"), ("x86-64", "pmaddwd")])
def test_portable_pairs_become_one_instruction(cpu, name):
    from intflow.kernels.jit.microkernels import dot2

    assert name in instructions(assembly(dot2.emit, ARGUMENTS, cpu))
