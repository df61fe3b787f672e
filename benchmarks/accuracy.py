"""Train a network as the README reports it, and record the run under results/.

    python benchmarks/accuracy.py lenet-mnist --data-dir DIR

The record of a run is a folder: command.txt, config.toml, metrics.jsonl, machine.json. A run that was
stopped goes on where it was when the same command is given again.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"

RUNS = {
    "lenet-mnist": ["--model", "lenet", "--bits", "2888", "--data", "mnist", "--epochs", "10"],
    "vgg7-cifar10": ["--model", "vgg7", "--bits", "2888", "--data", "cifar10", "--epochs", "5"],
    "alexnet-sample": ["--model", "alexnet", "--bits", "2888"],
    "lenet-mnist-300": ["--model", "lenet", "--bits", "2888", "--data", "mnist", "--epochs", "300"],
    "mlp-mnist": ["--model", "mlp", "--scheme", "qnn", "--bits", "1-1-32-8", "--data", "mnist",
                  "--augment", "shift1", "--epochs", "32",
                  "--schedule", "4:1/128,8:1/256,12:1/512,16:1/1024,20:1/2048,24:1/4096,27:1/8192,"
                  "30:1/16384"],
    "bnn-cifar10": ["--model", "bnn-cifar10", "--scheme", "qnn", "--bits", "1-1-32-8",
                    "--scheme-option", "batch_norm=integer", "--data", "cifar10", "--epochs", "8",
                    "--schedule", "2:1/128,4:1/256,6:1/512,7:1/1024"],
    "ptb-lstm-44": ["--model", "ptb-lstm", "--scheme", "qnn", "--bits", "W4A4G16E16",
                    "--data", "ptb", "--epochs", "7"],
    "ptb-lstm-wide": ["--model", "ptb-lstm", "--scheme", "qnn", "--bits", "W16A16G32E16",
                      "--data", "ptb", "--epochs", "7"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", choices=RUNS)
    parser.add_argument("--data-dir", default="", help="where the data set lies")
    parser.add_argument("--work", default="runs", help="folder for the run itself")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--threads", default="", help="default: all cores")
    options = parser.parse_args()
    arguments = ["train", *RUNS[options.run], "--seed", options.seed]
    out = Path(options.work) / f"{options.run}-seed{options.seed}"
    local = ["--threads", options.threads] if options.threads else []
    if options.data_dir:
        local += ["--data-dir", options.data_dir]
    start = ["train", "--resume", str(out)] if (out / "checkpoint.h5").exists() else \
        [*arguments, "--out", str(out)]
    subprocess.run([sys.executable, "-m", "intflow", *start, *local], check=True)
    record(out, RESULTS / out.name, "intflow " + " ".join(arguments))


def record(run, folder, command):
    """Copy what others need to repeat and judge the run; folders of this machine stay out."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "command.txt").write_text(command + "\n")
    shutil.copy(run / "metrics.jsonl", folder)
    lines = (run / "config.toml").read_text().splitlines(keepends=True)
    (folder / "config.toml").write_text("".join(x for x in lines if not x.startswith("data_dir")))
    about = json.loads(subprocess.run(
        [sys.executable, "-m", "intflow", "info", "--json"], check=True, capture_output=True, text=True,
    ).stdout)
    about.pop("data folders", None)
    (folder / "machine.json").write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main()
