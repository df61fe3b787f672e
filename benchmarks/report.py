"""The table of recorded runs, as the README shows it: python benchmarks/report.py"""

import json
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"
EPOCHS = (1, 2, 3, 4, 5, 10)
# Test error in % after so many epochs, from the authors' training logs, where known.
PUBLISHED = {
    "lenet-mnist": {1: 2.65, 2: 1.62, 3: 1.24, 5: 0.76, 10: 0.68},
    "vgg7-cifar10": {1: 56.81, 2: 51.47, 3: 43.59, 5: 31.11, 10: 18.25},
}


def main():
    print("| run | " + " | ".join(f"epoch {e}" for e in EPOCHS) + " | images/s | digest |")
    print("| --- |" + " --- |" * (len(EPOCHS) + 2))
    for folder in sorted(p.parent for p in RESULTS.glob("*/metrics.jsonl")):
        lines = [json.loads(x) for x in (folder / "metrics.jsonl").read_text().splitlines()]
        errors = {line["epoch"]: 100 * line["test_error"] for line in lines}
        speed = sorted(line["images_per_second"] for line in lines)[len(lines) // 2]
        print(row(folder.name, errors, f"{speed:.0f}", f"`{lines[-1]['digest'][:12]}`"))
        known = PUBLISHED.get(folder.name.rsplit("-seed", 1)[0])
        if known:
            print(row("authors' log", known, "", ""))


def row(name, errors, speed, digest):
    cells = [f"{errors[e]:.2f}" if e in errors else "" for e in EPOCHS]
    return f"| {name} | " + " | ".join(cells) + f" | {speed} | {digest} |"


if __name__ == "__main__":
    main()
