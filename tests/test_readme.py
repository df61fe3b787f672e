"""What the README shows, runs."""

import re
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def test_ten_lines_that_train(capsys):
    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S).group(1)
    assert len(code.strip().splitlines()) <= 11
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    wrong, _, images, *_ = capsys.readouterr().out.split()
    assert int(images) == 128
    assert int(wrong) < 100         # guessing gets about 115 of 128 wrong
    recorder = names["trainer"].step(
        names["batch"].images, names["batch"].labels, record=True
    ).recorder
    gradient = recorder.layers["conv2d_1"]["gradient"]
    assert gradient.logical().shape == (8, 1, 5, 5) and gradient.codes.dtype.kind == "i"
