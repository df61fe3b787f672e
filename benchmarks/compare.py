"""Run one of the comparisons in compare/, and record it under results/.

    python benchmarks/compare.py wrpn-cifar10 --data-dir DIR

A record is a folder: command.txt, the TOML, report.json and compare.png of `intflow compare`, and
metrics.jsonl and config.toml of every run in a folder of its own. A comparison that was stopped goes
on where it was when the same command is given again.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from accuracy import RESULTS, record

FILES = Path(__file__).resolve().parent / "compare"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=sorted(path.stem for path in FILES.glob("*.toml")))
    parser.add_argument("--data-dir", default="", help="where the data set lies")
    parser.add_argument("--work", default="runs", help="folder for the runs themselves")
    parser.add_argument("--threads", default="", help="default: all cores")
    parser.add_argument("--epochs", default="", help="in place of the file's")
    options = parser.parse_args()
    out = Path(options.work) / options.name
    file = FILES / f"{options.name}.toml"
    local = [text for option in ("data_dir", "threads", "epochs") if getattr(options, option)
             for text in (f"--{option.replace('_', '-')}", getattr(options, option))]
    subprocess.run([sys.executable, "-m", "intflow", "compare", str(file), "--out", str(out), *local],
                   check=True)
    folder = RESULTS / options.name
    command = f"intflow compare benchmarks/compare/{file.name}"
    for run in sorted(path.parent for path in out.glob("*/metrics.jsonl")):
        record(run, folder / run.name, f"{command}: {run.name}")
    for name in ("report.json", "compare.png"):
        if (out / name).exists():
            shutil.copy(out / name, folder)
    shutil.copy(file, folder)
    (folder / "command.txt").write_text(command + "\n")


if __name__ == "__main__":
    main()
