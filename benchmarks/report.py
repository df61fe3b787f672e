"""The table of recorded runs, as the README shows it: python benchmarks/report.py

Test error in %, of texts the perplexity; "mean" is that of the last MEAN epochs of longer runs.
"""

import json
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"
EPOCHS = (1, 2, 3, 5, 10)
MEAN = 50
# Test error in % after so many epochs, from the authors' training logs, where known.
PUBLISHED = {
    "lenet-mnist": {1: 2.65, 2: 1.62, 3: 1.24, 5: 0.76, 10: 0.68},
    "vgg7-cifar10": {1: 56.81, 2: 51.47, 3: 43.59, 5: 31.11, 10: 18.25},
}


def main():
    print("| run | " + " | ".join(map(str, EPOCHS)) + " | last epoch | mean | a second | digest |")
    print("| --- |" + " --- |" * (len(EPOCHS) + 4))
    for folder in sorted(p.parent for p in RESULTS.glob("*/metrics.jsonl")):
        lines = [json.loads(x) for x in (folder / "metrics.jsonl").read_text().splitlines()]
        figures = {line["epoch"]: figure(line) for line in lines}
        speed = sorted(line["images_per_second"] for line in lines)[len(lines) // 2]
        last = lines[-1]["epoch"]
        ends = [f"{figures[last]:.2f} ({last})", mean(list(figures.values())), f"{speed:.0f}",
                f"`{lines[-1]['digest'][:12]}`"]
        print(row(folder.name, figures, ends))
        known = PUBLISHED.get(folder.name.rsplit("-seed", 1)[0])
        if known:
            print(row("authors' log", known, [""] * 4))


def figure(line):
    """What a line of metrics.jsonl is judged by."""
    return line["perplexity"] if "perplexity" in line else 100 * line["test_error"]


def mean(figures):
    """Of the last MEAN epochs, where there are more."""
    return f"{sum(figures[-MEAN:]) / MEAN:.2f}" if len(figures) > MEAN else ""


def row(name, figures, ends):
    cells = [f"{figures[e]:.2f}" if e in figures else "" for e in EPOCHS]
    return " | ".join([f"| {name}", *cells, *ends]) + " |"


if __name__ == "__main__":
    main()
