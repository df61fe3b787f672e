"""Fine-tune published networks under FAQ, and record the runs under results/.

    python benchmarks/faq.py faq-tuned-88-resnet20 --weights-dir DIR --data-dir DIR --seed 1

A record is that of accuracy.py, and start.json: what `intflow eval --json` says of the converted
network before its first step. A run that was stopped goes on where it was when the same command is
given again. `--table` prints what has been recorded.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from accuracy import RESULTS, record
from pretrained import WEIGHTS

COMMON = ["--scheme", "faq", "--data", "cifar10", "--batch-size", "128"]
EIGHT = ["--model", "resnet20", "--bits", "8-8-16-16", "--epochs", "1"]
FOUR = ["--model", "resnet20", "--bits", "4-4-16-16", "--lr", "1/256"]
RUNS = {
    # one epoch, as in the paper
    "faq-tuned-88-resnet20": [*EIGHT, "--lr", "1/8192"],
    "faq-tuned-88-resnet20-trained-norm": [*EIGHT, "--lr", "1/8192", "--batch-norm", "trained"],
    # the rate falls to a tenth, 0.63 ** 5; to a hundredth, 0.794 ** 20
    "faq-tuned-44-resnet20": [*FOUR, "--epochs", "6", "--schedule", "exp:0.63",
                              "--batch-norm", "trained"],
    "faq-tuned-44-resnet20-frozen-norm": [*FOUR, "--epochs", "6", "--schedule", "exp:0.63"],
    "faq-tuned-44-resnet20-doubling": [*FOUR, "--epochs", "20", "--schedule", "exp:0.794",
                                       "--batch-norm", "trained",
                                       "--batch-schedule", "8:256,14:512"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", choices=RUNS)
    parser.add_argument("--weights-dir", default=".", help="where the files of weights lie")
    parser.add_argument("--data-dir", default="", help="where the data set lies")
    parser.add_argument("--work", default="runs", help="folder for the run itself")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--threads", default="", help="default: all cores")
    parser.add_argument("--epochs", default="", help="in place of the recipe's")
    parser.add_argument("--table", action="store_true", help="print what has been recorded")
    options = parser.parse_args()
    if options.run:
        train(options)
    elif not options.table:
        parser.error("name a run, or --table")
    if options.table:
        print_table()


def train(options):
    """One run to its end, then its record."""
    about = [*RUNS[options.run], *COMMON, "--seed", options.seed]
    if options.epochs:
        about[about.index("--epochs") + 1] = options.epochs
    name = WEIGHTS[about[about.index("--model") + 1]]
    found = sorted(Path(options.weights_dir).rglob(name))
    out = Path(options.work) / f"{options.run}-seed{options.seed}"
    local = [text for option in ("threads", "data_dir") if getattr(options, option)
             for text in (f"--{option.replace('_', '-')}", getattr(options, option))]
    if (out / "checkpoint.h5").exists():
        start = ["--resume", str(out)]
    elif found:
        start = [*about, "--from", str(found[0]), "--out", str(out)]
    else:
        sys.exit(f"{options.weights_dir} holds no {name}; name another --weights-dir")
    subprocess.run([sys.executable, "-m", "intflow", "train", *start, *local], check=True)
    folder = RESULTS / out.name
    record(out, folder, " ".join(["intflow train", *about, "--from", name]))
    begun = subprocess.run(
        [sys.executable, "-m", "intflow", "eval", str(out / "start.h5"), "--json", *local],
        check=True, capture_output=True, text=True).stdout
    (folder / "start.json").write_text(json.dumps(json.loads(begun), indent=2) + "\n")
    hide_path(folder / "config.toml", name)


def hide_path(path, name):
    """The file of weights by its name alone: folders of this machine stay out of the record."""
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(f'weights = "{name}"\n' if line.startswith("weights =") else line
                            for line in lines))


def print_table():
    """Markdown, as the README shows it."""
    print("| run | epochs | error before % | after % | best % | codes changed % | cosine | digest |")
    print("| --- |" + " --- |" * 7)
    for folder in sorted(RESULTS.glob("faq-tuned-*")):
        lines = [json.loads(x) for x in (folder / "metrics.jsonl").read_text().splitlines()]
        before = json.loads((folder / "start.json").read_text())["test_error"]
        last, best = lines[-1], min(line["test_error"] for line in lines)
        drift = last["drift"]
        print(f"| {folder.name} | {last['epoch']} | {100 * before:.2f} "
              f"| {100 * last['test_error']:.2f} | {100 * best:.2f} | {100 * drift['changed']:.2f} "
              f"| {drift['cosine']:.4f} | `{last['digest'][:12]}` |")


if __name__ == "__main__":
    main()
