"""Published weights from the command line: one number out of a file, a data set and a scheme."""

import json

import numpy as np
import pytest

from command_line import call, write_idx
from pretrained.networks import random_weights

PUBLISHED = ["eval", "--model", "resnet20", "--width", "1/8", "--threads", 1]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Grey pictures of CIFAR's size."""
    return write_idx(tmp_path_factory.mktemp("data") / "grey", train=12, test=32, size=32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "resnet20.npz"
    np.savez(path, **random_weights("resnet20", width=1 / 8))
    return path


@pytest.fixture(scope="module")
def checkpoint(data, weights, tmp_path_factory):
    """What --out keeps, and what was said of it."""
    from click.testing import CliRunner

    from intflow.cli import command

    path = tmp_path_factory.mktemp("out") / "net.h5"
    arguments = [*PUBLISHED, "--from", weights, "--data", data, "--out", path, "--json"]
    result = CliRunner().invoke(command, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return path, json.loads(result.stdout)


def test_one_object(checkpoint):
    report = checkpoint[1]
    assert list(report) == ["images", "test_error", "loss", "images_per_second", "digest"]
    assert report["images"] == 32 and 0 <= report["test_error"] <= 1 and len(report["digest"]) == 64


def test_the_checkpoint_is_a_network_like_any_other(checkpoint, data, capsys):
    path, report = checkpoint
    code, out, err = call(capsys, "eval", path, "--data", data, "--threads", 1, "--json")
    again = json.loads(out)
    assert (code, err) == (0, "")
    assert [again[key] for key in ("test_error", "loss", "digest")] == [
        report[key] for key in ("test_error", "loss", "digest")]
    assert call(capsys, "digest", path)[1].strip() == report["digest"]


def test_predict_takes_the_checkpoint(checkpoint, tmp_path, capsys):
    from PIL import Image

    picture = np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "noise.png")
    code, out, _ = call(capsys, "predict", checkpoint[0], tmp_path / "noise.png", "--json")
    (row,) = json.loads(out)
    assert code == 0 and len(row["classes"]) == 3


@pytest.mark.parametrize("scheme, threads", [
    (["--weights", "s8"], 2), (["--weights", "1-4-3", "--activations", 6], 1),
    (["--scheme", "faq"], 1), (["--scheme", "faq", "--bits", "4-4-16-16"], 1),
])
def test_schemes(scheme, threads, data, weights, checkpoint, capsys):
    digests = []
    for more in (["--threads", threads], ["--backend", "portable"]):
        code, out, err = call(capsys, *PUBLISHED, "--from", weights, "--data", data, *scheme, *more,
                              "--json")
        assert (code, err) == (0, "")
        digests.append(json.loads(out)["digest"])
    assert digests[0] == digests[1] != checkpoint[1]["digest"]


def test_in_words(data, weights, capsys):
    code, out, _ = call(capsys, *PUBLISHED, "--from", weights, "--data", data)
    lines = out.splitlines()
    assert code == 0 and len(lines) == 2
    assert "32 images, error" in lines[0] and lines[1].startswith("digest ")


# (arguments, exit code, words the line must hold); {weights}, {data}, {tmp} are filled in.
FROM = ["eval", "--model", "resnet20", "--from", "{weights}", "--data", "{data}"]
WRONG = [
    (["eval"], 2, "--from"),
    (["eval", "--from", "{weights}"], 2, "--model"),
    (["eval", "{tmp}", "--from", "{weights}", "--model", "resnet20"], 2, "--from"),
    (["eval", "{tmp}", "--scheme", "faq"], 2, "--scheme"),
    (["eval", "{tmp}", "--out", "x.h5"], 2, "--out"),
    (["eval", "--model", "resnet200", "--from", "{weights}"], 2, "resnet20"),
    (["eval", "--model", "lenet", "--from", "{weights}"], 2, "lenet"),
    ([*FROM, "--scheme", "wage"], 2, "float-weight or faq"),
    ([*FROM, "--scheme", "fak"], 2, "faq"),
    ([*FROM, "--bits", "8888"], 2, "--weights"),
    ([*FROM, "--scheme", "faq", "--weights", "e4m3"], 2, "--bits"),
    ([*FROM, "--scheme", "faq", "--bits", "9-8-16-16"], 2, "2 to 8"),
    ([*FROM, "--weights", "e9m9"], 2, "exponent bits"),
    ([*FROM, "--weights", "float"], 2, "e4m3"),
    ([*FROM, "--activations", "9"], 2, "--activations"),
    (FROM, 1, "of another shape: conv1.weight"),            # of another width
    (["eval", "--model", "resnet20", "--from", "{tmp}/none.pth"], 1, "none.pth"),
    (["eval", "--model", "resnet20", "--from", "{tmp}"], 1, "{tmp}"),
    ([*PUBLISHED, "--from", "{weights}", "--data", "{tmp}/nothing"], 1, "nothing"),
    ([*PUBLISHED, "--from", "{weights}", "--data", "{small}"], 1, "28 x 28"),
    ([*PUBLISHED, "--from", "{weights}", "--data", "{data}", "--out", "{tmp}/no/where.h5"], 1, "where.h5"),
]


@pytest.mark.parametrize("arguments, code, words", WRONG, ids=[" ".join(map(str, w[0])) for w in WRONG])
def test_bad_input_is_one_line(arguments, code, words, data, weights, tmp_path, capsys):
    small = tmp_path / "small"
    if "{small}" in arguments:
        write_idx(small, train=4, test=4)
    places = dict(weights=weights, data=data, tmp=tmp_path, small=small)
    got, out, err = call(capsys, *(str(a).format(**places) for a in arguments))
    assert (got, out) == (code, ""), err
    assert err.count("\n") == 1 and err.startswith("intflow: ") and "Traceback" not in err
    assert words.format(**places) in err, err
