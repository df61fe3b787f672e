"""Makes or refreshes the virtual environment `.venv` of this checkout.

    environment.py run|test STAMP

Called by environment.sh when the stamp in `.venv` is not STAMP. Two calls at once wait for each
other. An interrupted call leaves the file `intflow-busy`, and the next one starts from nothing; but
a `.venv` that this script did not make (no file `intflow-python`) is never removed. Progress and
errors go to stderr, one line each; pip's own words to `.venv/intflow-install.log`.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MADE_WITH = VENV / "intflow-python"     # what INTFLOW_PYTHON was
BUSY = VENV / "intflow-busy"
LOG = VENV / "intflow-install.log"
SHOWN = ("Collecting", "Downloading", "Installing", "WARNING: Retrying")


def main(kind, stamp):
    """Bring `.venv` up to `stamp` for "run" or "test"."""
    with locked() as lock:
        if is_ready(kind, stamp):
            return
        if not is_usable():
            create(lock)
        install(kind, lock)
        for each in ("run", "test") if kind == "test" else ("run",):
            write(stamp_file(each), stamp)
    say("ready")


@contextlib.contextmanager
def locked():
    """Hold `.venv.lock`; the operating system lets go of it when we and pip are gone."""
    with open(ROOT / ".venv.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another start, which is installing")
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            say("this file system has no locks: do not start twice at once")
        yield file.fileno()


def is_ready(kind, stamp):
    """Whether another call has done the work while we waited."""
    return (is_usable() and stamp_file(kind).exists()
            and stamp_file(kind).read_text().strip() == stamp)


def is_usable():
    """Whether `.venv` can be installed into as it is."""
    if not os.access(PYTHON, os.X_OK) or BUSY.exists():
        return False
    chosen = os.environ.get("INTFLOW_PYTHON")
    return not (chosen and MADE_WITH.exists() and MADE_WITH.read_text().strip() != chosen)


def create(lock):
    """Make `.venv` from nothing."""
    if VENV.exists() and any(VENV.iterdir()):
        if not MADE_WITH.exists():
            fail(f"{VENV} is no virtual environment that works; move it away")
        shutil.rmtree(VENV)
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        version = "%d.%d" % sys.version_info[:2]
        fail(f"{sys.executable} cannot make virtual environments; install its venv package"
             f" (Debian, Ubuntu: apt install python{version}-venv) or set INTFLOW_PYTHON")
    say(f"first start: making {VENV} (once, a minute or two)")
    VENV.mkdir(exist_ok=True)
    write(MADE_WITH, os.environ.get("INTFLOW_PYTHON", ""))
    # The real path: when that very version goes, .venv/bin/python breaks and we start anew.
    run([os.path.realpath(sys.executable), "-m", "venv", str(VENV)], lock)
    BUSY.unlink()


def install(kind, lock):
    """Install this checkout, editable, with all it needs."""
    what = ".[test]" if kind == "test" else "."
    run([str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
         "--editable", what], lock, finished=BUSY.unlink)


def run(command, lock, finished=lambda: None):
    """Run a command that fills `.venv`, showing the lines that tell of progress.

    `finished` is called when the command ends by itself, well or not: what pip refuses to do
    leaves `.venv` as good as before, what kills it does not.
    """
    BUSY.touch()
    with open(LOG, "a") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", pass_fds=(lock,),
            env={**os.environ, "PIP_USER": "0"})
        lines = []
        for line in process.stdout:
            log.write(line)
            lines.append(line.strip())
            if line.strip().startswith(SHOWN):
                say(line.strip()[:100])
    code = process.wait()
    if code < 0:
        fail("the installation was killed; start again")
    finished()
    if code > 0:
        fail(f"the installation failed: {reason(lines)}; all of it: {LOG}")


def reason(lines):
    """The line that says why pip failed."""
    errors = [line for line in lines if re.match("ERROR: (?!Exception:)", line)]
    return (errors or [line for line in lines if line] or ["no message"])[-1][:300]


def stamp_file(kind):
    """The file that says what `.venv` was installed from."""
    return VENV / f"intflow-{kind}.stamp"


def write(path, text):
    """Write a file whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(text + "\n")
    os.replace(part, path)


def say(line):
    """Tell of progress."""
    print(f"intflow: {line}", file=sys.stderr, flush=True)


def fail(line):
    """End with one line on stderr."""
    say(line)
    sys.exit(1)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        say("interrupted; the next start begins again")
        sys.exit(130)
    except OSError as error:
        fail(f"cannot set up {VENV}: {error}")
