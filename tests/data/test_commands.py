"""`intflow data`: list, info, fetch (from a server of our own), prepare."""

import functools
import hashlib
import http.server
import io
import json
import tarfile
import threading
from dataclasses import replace

import h5py
import pytest
from click.testing import CliRunner
from data import makers

from intflow.commands.data import command
from intflow.data import catalogue, commands, open_dataset
from intflow.data.sources import NAMES, module
from intflow.errors import DatasetError, UnknownNameError

Download = module("source").Download


@pytest.fixture(autouse=True)
def folders(monkeypatch, tmp_path):
    """No data folder but those of the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("INTFLOW_DATA", raising=False)


@pytest.fixture
def unpublished(monkeypatch):
    """Take a set's published sums away, so that small files may stand for it."""

    def forget(name, **changes):
        prepare = module(f"{name}.prepare")
        monkeypatch.setattr(prepare, "SET", replace(prepare.SET, files=(), **changes))

    return forget


@pytest.fixture
def server(tmp_path):
    """http://... of the folder `site`."""
    (tmp_path / "site").mkdir()

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Silent, directory=str(tmp_path / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as service:
        threading.Thread(target=service.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{service.server_address[1]}"
        service.shutdown()


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_data_folders_in_order(tmp_path, monkeypatch, unpublished):
    unpublished("mnist")
    places = [tmp_path / "argument", tmp_path / "environment", tmp_path / "cache" / "intflow"]
    monkeypatch.setenv("INTFLOW_DATA", str(places[1]))
    assert catalogue.data_folders(places[0]) == places
    for count, place in zip((3, 4, 5), reversed(places)):
        makers.write_idx(place / "mnist", train=10 * count)
        data = open_dataset("mnist", data_dir=places[0] if place is places[0] else None)
        assert len(data.train) == 10 * count
    makers.write_pack(places[0] / "mnist.h5")     # a pack comes before original files
    assert open_dataset("MNIST", data_dir=places[0]).name == "toy"


def test_layouts_of_a_data_folder(tmp_path, unpublished):
    for place in ("", "cifar10", "cifar10/cifar-10-batches-bin", "cifar-10-batches-bin"):
        unpublished("cifar10")
        root = tmp_path / f"root-{place.replace('/', '-')}"
        makers.write_cifar10(root / place)
        assert len(open_dataset("cifar10", data_dir=root).train) == 20


def test_the_sample():
    data = open_dataset()
    assert data.is_sample and data.shape == (1, 28, 28) and data.encoding == "unit"
    assert (len(data.train), len(data.test)) == (5000, 1000)
    for split, each in ((data.train, 500), (data.test, 100)):
        assert [int((split.labels == k).sum()) for k in range(10)] == [each] * 10
    path = module("sample.prepare").FILE
    assert path.stat().st_size < 4_000_000
    # Golden: the sums of the images and labels cut from the published files.
    with h5py.File(path) as file:
        sums = [file[n].attrs["sha256"][:16] for n in ("train/images", "test/images")]
    assert sums == SAMPLE_SUMS


SAMPLE_SUMS = ["219e0834d6dbbfcc", "3d7f6d64869a3f2d"]


def test_list_names_every_set(tmp_path):
    makers.write_pack(tmp_path / "cifar100.h5")
    rows = {row["name"]: row["where"] for row in commands.list_rows(tmp_path)}
    assert tuple(rows) == NAMES
    assert rows["cifar100"] == str(tmp_path / "cifar100.h5") and rows["mnist"] == ""


def test_info_compares_sums(tmp_path):
    path = makers.write_pack(tmp_path / "toy.h5")
    facts = commands.info(path)
    assert facts["train images"] == 20 and facts["test images of a class"] == [1] * 10
    assert facts["checked"] == "SHA-256 of images and labels"
    absent = commands.info("svhn")
    assert absent["where"] == "" and "train_32x32.mat" in absent["files"][0]


def test_prepare_reads_folders_and_archives(tmp_path, unpublished):
    makers.write_cifar10(tmp_path / "files" / "cifar-10-batches-bin")
    unpublished("cifar10")
    archive = tmp_path / "archives" / "cifar-10-binary.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "files" / "cifar-10-batches-bin", "cifar-10-batches-bin")
    a = commands.prepare("cifar10", tmp_path / "files", tmp_path / "a.h5")
    b = commands.prepare("cifar10", archive.parent, data_dir=tmp_path)
    assert b == tmp_path / "cifar10.h5" and a.read_bytes() == b.read_bytes()
    assert open_dataset("cifar10", data_dir=tmp_path).title == "CIFAR-10"


def test_archives_cannot_write_elsewhere(tmp_path):
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        for name in ("../outside", "/tmp/outside", "in/side"):
            entry = tarfile.TarInfo(name)
            entry.size = 1
            tar.addfile(entry, io.BytesIO(b"x"))
        link = tarfile.TarInfo("in/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    extract = module("prepare").extract
    (tmp_path / "to").mkdir()
    extract(tmp_path / "evil.tar", ["in/side"], tmp_path / "to")
    assert [p.name for p in (tmp_path / "to").iterdir()] == ["side"]
    for member in ("in/link", "in/absent"):
        with pytest.raises(ValueError, match="is not in it"):
            extract(tmp_path / "evil.tar", [member], tmp_path / "to")
    assert not (tmp_path / "outside").exists()


def test_fetch_takes_the_next_mirror_and_checks(tmp_path, server, unpublished):
    makers.write_idx(tmp_path / "site" / "good", zipped=True)
    names = [p.name for p in sorted((tmp_path / "site" / "good").iterdir())]
    wrong = tmp_path / "site" / "wrong"
    wrong.mkdir()
    (wrong / names[0]).write_bytes(b"another file")
    unpublished("mnist", downloads=tuple(
        Download(n, (f"{server}/nowhere/{n}", f"{server}/wrong/{n}", f"{server}/good/{n}"),
                 md5(tmp_path / "site" / "good" / n)) for n in names
    ))
    seen = []
    folder = commands.fetch("mnist", tmp_path / "data", lambda what, done, total: seen.append(what))
    assert sorted(p.name for p in folder.iterdir()) == names == sorted(set(seen))
    assert len(open_dataset("mnist", data_dir=tmp_path / "data").train) == 20
    for path in (tmp_path / "site" / "good").iterdir():
        path.unlink()
    commands.fetch("mnist", tmp_path / "data")        # all there: nothing is asked for
    (folder / names[0]).write_bytes(b"half")
    with pytest.raises(DatasetError) as caught:
        commands.fetch("mnist", tmp_path / "data")
    text = str(caught.value)
    assert f"{server}/good/{names[0]}" in text and "intflow data prepare mnist --from DIR" in text
    assert "another checksum" in text and "404" in text


def test_fetch_unpacks_archives(tmp_path, server, unpublished):
    makers.write_cifar10(tmp_path / "cifar-10-batches-bin")
    archive = tmp_path / "site" / "c.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "cifar-10-batches-bin", "cifar-10-batches-bin")
    members = tuple(f"cifar-10-batches-bin/{n}" for n in makers.CIFAR10_BINARY)
    unpublished("cifar10", downloads=(
        Download("c.tar.gz", (f"{server}/c.tar.gz",), md5(archive), members),
    ))
    commands.fetch("cifar10", tmp_path / "data")
    assert len(open_dataset("cifar10", data_dir=tmp_path / "data").train) == 20


def test_what_cannot_be_fetched_or_prepared(tmp_path):
    for work, message in (
        (lambda: commands.fetch("imagenet_folder"), "prepare imagenet_folder --from DIR"),
        (lambda: commands.fetch("sample"), "nothing to fetch"),
        (lambda: commands.prepare("sample", tmp_path), "nothing to prepare"),
        (lambda: commands.prepare("mnist", tmp_path), "no files of MNIST here"),
        (lambda: commands.prepare("mnist", tmp_path / "absent"), "no such folder"),
    ):
        with pytest.raises(DatasetError, match=message):
            work()
    for work in (commands.fetch, lambda name: commands.prepare(name, tmp_path)):
        with pytest.raises(UnknownNameError, match="did you mean cifar10"):
            work("cifar11")


def test_command_line(tmp_path):
    run = functools.partial(CliRunner().invoke, command, catch_exceptions=False)
    makers.write_classes(tmp_path / "pictures", {"a": 10, "b": 10})
    made = run(["prepare", "imagenet_folder", "--from", str(tmp_path / "pictures"),
                "--out", str(tmp_path / "p.h5")])
    assert made.exit_code == 0 and "train with --data" in made.output
    assert "every tenth picture" in run(["info", str(tmp_path / "p.h5")]).output
    facts = json.loads(run(["info", "sample", "--json"]).stdout)
    assert facts["train images"] == 5000
    assert "shipped with intflow" in run(["list"]).output
    assert len(json.loads(run(["list", "--json"]).stdout)) == len(NAMES)
    for name in ("list", "info", "fetch", "prepare"):
        assert "Example: intflow data" in run([name, "--help"]).output
