"""Every reader of files, and the files to damage for it: one entry of READERS each.

To add one, write a line there: a function that reads a file, the name of the file, and where its
cases come from. A case is made by `damage(seeds, wrap, tokens)` (bytes changed, then wrapped up
again so that damage reaches the inside) or by a function (random) -> bytes of another kind.
"""

from dataclasses import dataclass
from random import Random
from typing import Callable

import numpy as np
from fuzz import hdf5, seeds
from fuzz.mutate import damaged
from pretrained import weight_files

from intflow.commands.train import _read_config as config_file
from intflow.costs.energy import read_energy
from intflow.data.sources import as_dataset_errors, module
from intflow.device.device import Device
from intflow.device.readmemh import read_hex
from intflow.device.trace_files import TraceFile
from intflow.models import find_model
from intflow.pretrained.readers import read_weights
from intflow.quantizers import make_scheme
from intflow.training.config import Config
from intflow.training.load import load_checkpoint
from intflow.training.metrics import keep_epochs, read_counters
from intflow.training.progress import Progress
from intflow.training.schedule import parse_rate, parse_schedule
from intflow.training.setup import parse_width


@dataclass(frozen=True)
class Reader:
    """read(path) must return or raise IntflowError; `name` is the file's; `sources` make cases."""

    read: Callable
    name: str
    sources: Callable

    def case(self, reader, number):
        """The bytes of case `number`; equal on every machine."""
        random = Random(f"{reader} {number}")
        return random.choice(self.sources())(random)


def damage(contents, wrap=None, tokens=()):
    """A source of cases: `wrap` of one of `contents` after it was damaged."""
    def make(random):
        content = damaged(random, contents, tokens)
        return wrap(content) if wrap else content

    return make


def edit(content, wrap=None):
    """A source of cases: HDF5 files edited by the library; see hdf5.py."""
    def make(random):
        edited = hdf5.edited(random, content)
        return wrap(edited) if wrap else edited

    return make


def data_file(name, *arguments):
    """A reader of `intflow.datasets`: "idx read_idx"; its errors become DatasetError."""
    file, function = name.split()

    def read(path):
        with as_dataset_errors():
            return getattr(module(file), function)(path, *arguments)

    return read


def read_cifar(form):
    def read(path):
        cifar = module("cifar")
        layout = next(l for l in cifar.LAYOUTS if bool(l.label_bytes) == (form == "binary"))
        with as_dataset_errors():
            cifar._read_file(path, layout, None)

    return read


def read_pack(path):
    """Opened whole, and streamed with every sum compared."""
    with as_dataset_errors():
        for limit in (1 << 30, 0):
            source = module("pack").open_pack(path, limit)
            source.train.read([0, len(source.train) - 1])
        module("pack").check_images(path)


def read_text(path):
    """As words, as characters, with a vocabulary cut short, and with one that is given."""
    text = module("text")
    for reading in (text.Reading(), text.Reading("characters"), text.Reading(most=3),
                    text.Reading(vocabulary=("the", "<unk>"))):
        with as_dataset_errors():
            source = text.read_file(path, reading)
            assert max(source.train.tokens) < len(source.classes)


def read_table(path):
    with as_dataset_errors():
        source = module("folder").read_folder(path.parent)
        source.train.read([0])


def read_picture(path):
    with as_dataset_errors():
        pixels = module("pixels")
        pixels.cover(pixels.decode(path), (28, 28))


def read_tar(path):
    with as_dataset_errors():
        folder = path.parent / "out"
        folder.mkdir(exist_ok=True)
        module("prepare").extract(path, ("a/b.bin",), folder)


def read_run(path):
    """A checkpoint whole: weights, state, configuration and progress."""
    trainer, about = load_checkpoint(path, 1, "portable")
    Progress.stored(about)
    trainer.digest()


def read_trace(path):
    with TraceFile(path) as trace:
        for name in trace.tensors:
            trace.read(name, {"bits": 8, "signed": True, "shape": (2, 3)})


def read_manifest(path):
    """A folder of one .hex file beside the manifest."""
    (path.parent / "a.hex").write_bytes(b"05\n3d\n")
    read_trace(path.parent)


def read_memory(path):
    content = path.read_bytes()
    for bits, signed in ((8, True), (6, False), (64, False)):
        read_hex(content, bits, signed, path)


def read_config(path):
    """What `intflow train --config` makes of a file, but for the network and the data."""
    config = Config(**{"model": "lenet", **config_file(path)})
    find_model(config.model)
    make_scheme(config.scheme, config.bits or None)
    parse_width(config.width)
    parse_schedule(config.schedule)
    if config.lr:
        parse_rate(config.lr)
    if "\n" in config.device:            # else it names a preset, or a file that is to be read
        Device.read(config.device)


def read_metrics(path):
    read_counters(path)
    keep_epochs(path, 1)


HALF_JSON = (b'"', b"{", b"}", b"[", b"null", b"1e400", b"NaN", b"\\ud800", b'"a":')
TOML = (b'"', b"=", b"\n", b"[a]\n", b"[[a]]\n", b"1e999999999", b"inf", b"2026-01-01", b"'''", b"{", b"[",
        b"\\u0000", b"#", b"\r", b"true")
PICKLE = (b"cos\nsystem\n", b"cposix\nmkdir\n", b"R", b"b", b"t", b"(", b"0", b"2", b"\x81", b"\x93", b"Q", b"P0\n",
          b"h\x01", b"q\x01", b"\x86", b"\x85", b"]", b"}", b"s", b"u", b"a", b"e", b".", b"\x8a\xff", b"\x94",
          b"I1\n", b"L1L\n", b"F1\n", b"N", b")", b"\x8e", b"\x8d", b"C\x04abcd", b"\x96", b"\x97", b"i", b"o")
CSV = (b"../", b"/etc/a.jpg", b"..\\", b",", b"\n", b'"', b"\0", b"file,class_index\n", b"99999999999")
PROSE = " the cat sat on <unk> mat \n the dog saw n't a \u00fcber-cat \n".encode() * 12
WORDS = (b"<unk>", b"<eos>", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r\n", b"\n\n",
         "\u2028\u3000\U0001f600".encode(), b" " * 50, b"U+0020")
METRICS = (b'{"epoch": 1, "step": 3, "counters": {"steps": 3, "layers": {"linear_1": {"products": '
           b'{"forward": {"overflows": 0, "saturations": 0, "largest": 7}}, "slots": {"weight": '
           b'{"zeros": 1, "size": 4}}}}}}\n{"epoch": 2, "step": 6}\n')
CONFIG = Config("lenet", bits="2888", schedule="2:1,3:1/8", lr="8", width="1/8", device="").to_toml()
TABLE = b"file,wnid,class_index,name\na.jpg,n01,0,cat\na.jpg,n02,1,dog\n"
HEX = b"// made by a test\n05\n3d\n@2\nfF_0 7\n/* end */\n"
ENERGY = b'[add]\n8 = 0.03\n32 = 0.1\nfp16 = 0.4\nfp32 = 0.9\n[memory]\nsram = 5\n'


def tar():
    import io
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for name in ("a/b.bin", "../c"):
            entry = tarfile.TarInfo(name)
            entry.size = 700
            file.addfile(entry, io.BytesIO(bytes(700)))
    return out.getvalue()


def text(content):
    return content if isinstance(content, bytes) else content.encode()


def torch(*contents):
    return lambda: [damage(list(contents), tokens=PICKLE),
                    damage([seeds.torch_pickle()], seeds.torch_program, PICKLE)]


READERS = {
    "idx": Reader(data_file("idx read_idx", 3), "x", lambda: [damage([seeds.idx(), seeds.idx(1)])]),
    "idx-gz": Reader(data_file("idx read_idx", 3), "x.gz", lambda: [
        damage([seeds.zipped(seeds.idx())]), damage([seeds.idx()], seeds.zipped)]),
    "cifar-binary": Reader(read_cifar("binary"), "data_batch_1.bin", lambda: [
        damage([seeds.makers.cifar_records(2)])]),
    "cifar-pickle": Reader(read_cifar("pickle"), "data_batch_1", lambda: [
        damage([seeds.python_batch(), seeds.modern_batch()], tokens=PICKLE)]),
    "mat": Reader(data_file("mat read_mat"), "train_32x32.mat", lambda: [
        damage([seeds.mat(), seeds.plain_mat()])]),
    "pack": Reader(read_pack, "p.h5", lambda: [
        damage([seeds.pack(), seeds.pack(True)]), edit(seeds.pack()), edit(seeds.pack(True))]),
    "pictures": Reader(read_picture, "p.png", lambda: [
        damage([seeds.picture(kind) for kind in seeds.PICTURES]),
        damage([seeds.picture("png")], seeds.checked_png)]),
    "text": Reader(read_text, "t.txt", lambda: [damage([PROSE], tokens=WORDS)]),
    "labels.csv": Reader(read_table, "labels.csv", lambda: [damage([TABLE], tokens=CSV)]),
    "tar": Reader(read_tar, "a.tar.gz", lambda: [
        damage([tar()]), damage([seeds.zipped(tar())]), damage([tar()], seeds.zipped)]),
    "checkpoint": Reader(read_run, "checkpoint.h5", lambda: [
        damage([seeds.checkpoint()]), damage([seeds.checkpoint()], seeds.signed, TOML),
        edit(seeds.checkpoint(), seeds.signed), edit(seeds.checkpoint(), seeds.signed)]),
    "config": Reader(read_config, "config.toml", lambda: [damage([text(CONFIG)], tokens=TOML)]),
    "device": Reader(lambda path: Device.read(path), "d.toml", lambda: [
        damage([text(seeds.DEVICE)], tokens=TOML)]),
    "energy": Reader(read_energy, "e.toml", lambda: [damage([ENERGY], tokens=TOML)]),
    "metrics": Reader(read_metrics, "metrics.jsonl", lambda: [damage([METRICS], tokens=HALF_JSON)]),
    "trace-hdf5": Reader(read_trace, "t.h5", lambda: [
        damage([seeds.trace(".h5")]), edit(seeds.trace(".h5"))]),
    "trace-npz": Reader(read_trace, "t.npz", lambda: [
        damage([seeds.trace(".npz")], tokens=HALF_JSON),
        damage([seeds.npy(np.arange(6))], seeds.archive(0)),
        damage([seeds.npy(np.arange(6))], seeds.archive(8))]),
    "trace-manifest": Reader(read_manifest, "manifest.json", lambda: [
        damage([b'{"attributes": {}, "groups": {}, "tensors": {"a": {"bits": 6, "signed": true, '
                b'"shape": [2]}}}'], tokens=HALF_JSON)]),
    "readmemh": Reader(read_memory, "a.hex", lambda: [damage([HEX], tokens=(b"@", b"x", b"_", b"/*"))]),
    "safetensors": Reader(read_weights, "w.safetensors", lambda: [
        damage([weight_files.safetensors(), weight_files.safetensors("bfloat16")], tokens=HALF_JSON)]),
    "pth-zip": Reader(read_weights, "w.pth", torch(weight_files.torch_zip())),
    "pth-legacy": Reader(read_weights, "w.th", lambda: [
        damage([weight_files.torch_legacy()], tokens=PICKLE)]),
    "npz": Reader(read_weights, "w.npz", lambda: [
        damage([weight_files.npz(), weight_files.npz(compress=True)]),
        damage([seeds.npy(np.ones((2, 3), np.float32))], seeds.archive(0)),
        damage([seeds.npy(np.ones((2, 3), np.float32))], seeds.archive(8))]),
    "onnx": Reader(read_weights, "w.onnx", lambda: [
        damage([weight_files.onnx(), weight_files.onnx("float16", raw=False)])]),
    "keras-hdf5": Reader(read_weights, "w.h5", lambda: [
        damage([seeds.keras()]), edit(seeds.keras())]),
}
