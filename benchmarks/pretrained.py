"""Evaluate published networks in integers, and record the results under results/.

    python benchmarks/pretrained.py study-resnet20 --weights-dir DIR --data-dir DIR

A record is a folder: command.txt, machine.json, and what the command gave: eval.json of an
evaluation, study.json, formats.csv, layers.csv and study.png of a study. `--table` prints what has
been recorded. WEIGHTS names the files that are looked for in --weights-dir and its folders.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"
WEIGHTS = {
    "resnet20": "resnet20.safetensors",
    "resnet32": "resnet32.safetensors",
    "squeezenet1_1": "squeezenet1_1_torchvision_fp16w.safetensors",
}
DATA = {"resnet20": "cifar10", "resnet32": "cifar10", "squeezenet1_1": "imagenet-sample"}
GRID = "s4..s12,e3m1..e3m5,e4m1..e4m5"
ONE_RADIX = "Q1.5..Q1.11"                           # one radix point for all layers
RUNS = {
    **{f"study-{model}": ["study", "--model", model, "--weights", GRID] for model in WEIGHTS},
    **{f"{weights}-resnet32": ["eval", "--model", "resnet32", "--scheme", "float-weight",
                               "--weights", weights] for weights in ("e4m3", "s8")},
    **{f"radix-{model}": ["study", "--model", model, "--weights", ONE_RADIX] for model in WEIGHTS},
    **{f"faq-{bits.replace('-', '')}-{model}":
       ["eval", "--model", model, "--scheme", "faq", "--bits", f"{bits}-16-16"]
       for bits in ("8-8", "6-6", "4-4") for model in WEIGHTS},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", choices=RUNS)
    parser.add_argument("--weights-dir", default=".", help="where the files of weights lie")
    parser.add_argument("--data-dir", default="", help="where the data set lies")
    parser.add_argument("--threads", default="", help="default: all cores")
    parser.add_argument("--table", action="store_true", help="print what has been recorded")
    options = parser.parse_args()
    if options.run:
        measure(options.run, options)
    elif not options.table:
        parser.error("name a run, or --table")
    if options.table:
        print_table()


def measure(name, options):
    """Run one command and keep what it gave; folders of this machine stay out of the record."""
    command, *about = RUNS[name]
    model = about[about.index("--model") + 1]
    found = sorted(Path(options.weights_dir).rglob(WEIGHTS[model]))
    if not found:
        sys.exit(f"{options.weights_dir} holds no {WEIGHTS[model]}; name another --weights-dir")
    about += ["--data", DATA[model]]
    local = [text for option in ("data-dir", "threads")
             for value in [getattr(options, option.replace("-", "_"))] if value
             for text in (f"--{option}", value)]
    folder = RESULTS / name
    folder.mkdir(parents=True, exist_ok=True)
    out = ["--out", str(folder)] if command == "study" else ["--json"]
    text = intflow(command, *about, "--from", str(found[0]), *out, *local)
    if command == "eval":
        (folder / "eval.json").write_text(json.dumps(json.loads(text), indent=2) + "\n")
    print(text)
    public = ["intflow", command, *about, "--from", WEIGHTS[model]]
    (folder / "command.txt").write_text(" ".join(public) + "\n")
    machine = json.loads(intflow("info", "--json"))
    machine.pop("data folders", None)
    (folder / "machine.json").write_text(json.dumps(machine, indent=2) + "\n")


def intflow(*arguments):
    """What a command prints; progress and errors go to this process's stderr."""
    run = subprocess.run([sys.executable, "-m", "intflow", *arguments], stdout=subprocess.PIPE,
                         text=True)
    if run.returncode:
        sys.exit(run.returncode)
    return run.stdout


def print_table():
    """Markdown, as the README shows it."""
    print("| network | numbers | error % | top-5 % | digest |\n| --- | --- | --- | --- | --- |")
    for name in RUNS:
        for numbers, row in recorded(RESULTS / name):
            top5 = f"{100 * row['top5_error']:.2f}" if "top5_error" in row else ""
            print(f"| {name.split('-')[-1]} | {numbers} | {100 * row['test_error']:.2f} | {top5} "
                  f"| {row.get('digest', '')[:12]} |")


def recorded(folder):
    """[(what the numbers are, row)] of one record."""
    if (folder / "study.json").exists():
        study = json.loads((folder / "study.json").read_text())
        yield "fp32", study["fp32"]
        for row in study["formats"]:
            yield f"float-weight {row['weights']},{study['activations']}", row
    if (folder / "eval.json").exists():
        yield " ".join(folder.name.split("-")[:2]), json.loads((folder / "eval.json").read_text())


if __name__ == "__main__":
    main()
