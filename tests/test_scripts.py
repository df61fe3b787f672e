"""scripts/intflow and scripts/test on a checkout made of stand-ins: no network, no real pip.

A module `venv` in PYTHONPATH makes a `.venv` whose python counts its `-m pip` calls and installs a
program that prints its arguments and exits with 7.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"

VENV = """
import os, shutil, sys
os.makedirs(sys.argv[1] + "/bin")
shutil.copy(os.path.dirname(os.path.abspath(__file__)) + "/pip", sys.argv[1] + "/bin/python")
"""
PIP = """#!/bin/sh
case "$*" in
    *"-m pip"*) ;;
    *) printf '%s;' "$PWD" "$@"; exit 7 ;;
esac
cd "$(dirname "$0")"
echo "$*" >> ../../pip-calls
echo "Collecting numpy"
sleep {seconds}
[ ! -e ../../pip-fails ] || {{ echo "ERROR: no wheel for you"; exit 1; }}
printf '#!/bin/sh\\nprintf "%%s;" "$@"\\nexit 7\\n' > intflow
chmod +x intflow
"""


class Checkout:
    """A folder with the real scripts and stand-ins for all else."""

    def __init__(self, root, seconds=0):
        self.root = root
        shutil.copytree(SCRIPTS, root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("setup.cfg", "pyproject.toml"):
            (root / name).write_text(name)
        self.program("pip", PIP.format(seconds=seconds))
        self.program("venv.py", VENV)
        self.program("ensurepip.py", "")

    def program(self, name, text):
        path = self.root / "programs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def start(self, *arguments, script="intflow", **environment):
        return subprocess.Popen(
            [self.root / "scripts" / script, *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, cwd="/", start_new_session=True,
            # A suite in the background has Ctrl-C ignored, and its children would inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            env={**os.environ, "INTFLOW_PYTHON": sys.executable,
                 "PYTHONPATH": str(self.root / "programs"), **environment})

    def run(self, *arguments, **options):
        process = self.start(*arguments, **options)
        process.out, process.err = process.communicate(timeout=60)
        return process

    def pip_calls(self):
        calls = self.root / "pip-calls"
        return len(calls.read_text().splitlines()) if calls.exists() else 0


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_arguments_and_exit_code_pass_through(checkout):
    first = checkout.run("train", "--model", "a b", "")
    assert (first.out, first.returncode) == ("train;--model;a b;;", 7)
    assert "first start" in first.err and "Collecting numpy" in first.err
    second = checkout.run("--help")
    assert (second.out, second.err, second.returncode) == ("--help;", "", 7)
    assert checkout.pip_calls() == 1


def test_test_script_runs_pytest_in_the_checkout(checkout):
    run = checkout.run("-k", "a b", script="test")
    assert run.out == f"{checkout.root.resolve()};-m;pytest;-q;-rs;-n;auto;--dist;loadfile;-k;a b;"
    assert run.returncode == 7
    assert ".[test]" in (checkout.root / "pip-calls").read_text()
    checkout.run()
    assert checkout.pip_calls() == 1            # the test extra includes all the rest


def test_test_extra_is_added_to_an_installation(checkout):
    checkout.run()
    checkout.run(script="test")
    checkout.run(script="test")
    assert checkout.pip_calls() == 2


def test_symlink_and_any_directory(checkout, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "absolute").symlink_to(checkout.root / "scripts" / "intflow")
    (folder / "relative").symlink_to("absolute")
    checkout.run()
    run = subprocess.run(["../bin/relative", "x"], cwd=folder, capture_output=True, text=True,
                         env={**os.environ, "INTFLOW_PYTHON": ""})
    assert (run.stdout, run.stderr, run.returncode) == ("x;", "", 7)


@pytest.mark.parametrize("name", ["setup.cfg", "pyproject.toml"])
def test_installs_again_when_the_project_changes(checkout, name):
    checkout.run()
    (checkout.root / name).write_text("changed")
    assert checkout.run().returncode == 7
    assert checkout.run().err == ""
    assert checkout.pip_calls() == 2


def test_installs_again_when_moved(tmp_path):
    checkout = Checkout(tmp_path / "here")
    checkout.run()
    checkout.root = checkout.root.rename(tmp_path / "there")
    assert checkout.run().returncode == 7
    assert checkout.pip_calls() == 2


def test_two_first_starts_at_once(tmp_path):
    checkout = Checkout(tmp_path, seconds=1)
    starts = [checkout.start(str(i)) for i in range(3)]
    results = [start.communicate(timeout=60) for start in starts]
    assert [out for out, _ in results] == ["0;", "1;", "2;"]
    assert checkout.pip_calls() == 1
    assert sum("waiting for another start" in err for _, err in results) == 2


def wait_for(condition):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("waited 15 seconds in vain")


@pytest.mark.parametrize("how, codes", [(signal.SIGINT, (130, -2)), (signal.SIGKILL, (-9,))])
def test_interrupted_first_start(tmp_path, how, codes):
    checkout = Checkout(tmp_path, seconds=3)
    first = checkout.start()
    wait_for(checkout.pip_calls)
    os.killpg(first.pid, how)
    _, err = first.communicate(timeout=60)
    assert first.returncode in codes and "Traceback" not in err
    second = checkout.run("again")
    assert (second.out, second.returncode) == ("again;", 7)
    assert "first start" in second.err and checkout.pip_calls() == 2


def test_failed_installation_is_one_line_and_tried_again(checkout):
    (checkout.root / "pip-fails").touch()
    run = checkout.run()
    assert (run.out, run.returncode) == ("", 1)
    assert "the installation failed: ERROR: no wheel for you; all of it:" in run.err
    (checkout.root / "pip-fails").unlink()
    assert checkout.run().returncode == 7


def test_another_interpreter_makes_another_environment(checkout):
    checkout.run()
    other = checkout.program("other", f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n")
    assert "first start" in checkout.run(INTFLOW_PYTHON=str(other)).err
    assert checkout.run(INTFLOW_PYTHON=str(other)).err == ""
    assert checkout.run(INTFLOW_PYTHON="").err == ""        # what is there will do


def test_environment_of_the_user_is_not_removed(checkout):
    (checkout.root / ".venv" / "precious").mkdir(parents=True)
    run = checkout.run()
    assert run.returncode == 1 and "move it away" in run.err
    (checkout.root / ".venv" / "bin").mkdir()
    shutil.copy(checkout.root / "programs" / "pip", checkout.root / ".venv" / "bin" / "python")
    assert checkout.run().returncode == 7
    assert (checkout.root / ".venv" / "precious").exists()


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.10"])
def test_old_python(checkout, version):
    old = checkout.program("old", f"#!/bin/sh\necho {version}\n")
    run = checkout.run(INTFLOW_PYTHON=str(old))
    assert run.returncode == 1 and len(run.err.splitlines()) == 1
    assert f"needs Python 3.11 or later, {old} is {version}; install one" in run.err


def test_no_python(checkout):
    run = checkout.run(INTFLOW_PYTHON="/no/such/python")
    assert run.returncode == 1 and len(run.err.splitlines()) == 1
    assert "found no working /no/such/python; install one" in run.err


def test_python_without_ensurepip(checkout):
    checkout.program("ensurepip.py", "raise ImportError")
    run = checkout.run()
    assert run.returncode == 1 and len(run.err.splitlines()) == 1
    assert "apt install python3." in run.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_checkout(checkout):
    checkout.root.chmod(0o555)
    try:
        run = checkout.run()
    finally:
        checkout.root.chmod(0o755)
    assert run.returncode == 1 and "cannot set up" in run.err
