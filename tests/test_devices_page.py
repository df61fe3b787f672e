"""The page for device people: its commands and its program, run one after the other."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "devices.md"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Programs that a block needs besides those of every system, and how one sees that it does.
NEEDS = {"make": r"^make ", "cc": r"^make "}


def blocks():
    """[(first line, language, text)] in the order of the page."""
    text = PAGE.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start()) + 1, *m.groups()) for m in BLOCK.finditer(text)]


def missing(text):
    """Programs that a block needs and that are not here."""
    needed = [name for name, sign in NEEDS.items() if re.search(sign, text, re.MULTILINE)]
    return [name for name in needed if shutil.which(name) is None]


@pytest.fixture
def environment(tmp_path):
    """`intflow` and `python3` of this test, before all others."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "intflow").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m intflow "$@"\n')
    (programs / "intflow").chmod(0o755)
    path = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
    # One thread by default: parallel kernels take longer to compile than the page has work for them.
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "NUMBA_NUM_THREADS": "1"}


def run(language, text, folder, environment):
    program = ["sh", "-euc", text] if language == "sh" else [sys.executable, "-c", text]
    return subprocess.run(program, cwd=folder, env=environment, text=True, capture_output=True,
                          timeout=300)


# What the commands have to say, in this order; the page promises it.
PROMISED = [
    "11*", '"digest":', "measured over 4 steps, 0 overflows", "!12/", "exit code 1",
    "158 of 158 tensors compared and equal", "expected", "exit code 1", "2 products, 0 differ",
    "manifest.json", "passed: integers alone",
]


def test_commands_of_the_page(tmp_path, environment):
    """Skips, after all the rest has run, when a block lacks its compiler."""
    folder, skipped, said = tmp_path / "empty", [], ""
    folder.mkdir()
    for line, language, text in blocks():
        if missing(text):
            skipped.append(f"line {line} needs {' and '.join(missing(text))}")
            continue
        done = run(language, text, folder, environment)
        assert done.returncode == 0, f"{PAGE.name}:{line}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, f"{PAGE.name}:{line}: {done.stderr}"
        said += done.stdout
    for promise in PROMISED:
        assert promise in said, f"{promise!r} is missing or too early in:\n{said}"
        said = said[said.index(promise) + len(promise):]
    if skipped:
        pytest.skip("ran the page but for " + ", ".join(skipped))


def test_all_blocks_are_seen():
    fences = re.findall(r"^```(\w+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == len(blocks()) and set(fences) == {"sh", "python"}


def test_files_that_the_page_names_exist():
    text = BLOCK.sub("", PAGE.read_text(encoding="utf-8"))
    for name in re.findall(r"`((?:intflow|scripts|tests)/[\w/.]+)`", text):
        assert (ROOT / name).exists(), name
