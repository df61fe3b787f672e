"""Every benchmark of `intflow bench`, recorded, and the table of the project's README.

    python benchmarks/speed.py --data-dir DIR --pictures DIR --peer-python PATH

The record is results/speed-PROCESSOR.json: one entry a benchmark, each made anew by naming it
(`python benchmarks/speed.py step gemm ...`), the others kept. `--table` only writes the README.
"""

import argparse
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from intflow.bench.record import processor

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
MARKS = "<!-- speed: begin -->", "<!-- speed: end -->"

# name in the record -> arguments of `intflow bench`. "data" and "pictures" are filled in.
RUNS = {
    "gemm": ["gemm", "--backend", "all"],
    "elementwise": ["elementwise"],
    "conv": ["conv", "--rounds", "3"],
    "step": ["step", "--rounds", "5", "--seconds", "3"],
    "step on one thread": ["step", "--model", "vgg7", "--threads", "1", "--no-peers"],
    "step of every backend": ["step", "--model", "vgg7", "--backend", "all", "--seconds", "3"],
    "input": ["input", "--model", "vgg7", "--data", "cifar10"],
    "startup": ["startup"],
    "memory": ["memory", "--rounds", "1", "--seconds", "0"],
    "memory of ResNet-50, WRPN": ["memory", "--model", "resnet50", "--batch-size", "8", "--scheme",
                                  "wrpn", "--bits", "2-4-16-16", "--rounds", "1", "--seconds", "0",
                                  "--no-peers"],
    "growth": ["growth", "--rounds", "3"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", metavar="NAME", help=f"of: {', '.join(RUNS)}")
    parser.add_argument("--data-dir", default="", help="where CIFAR-10 lies")
    parser.add_argument("--pictures", default="", help="a folder of JPEGs")
    parser.add_argument("--peer-python", default="", help="interpreter with torch and onnxruntime")
    parser.add_argument("--table", action="store_true", help="only write the README's table")
    options = parser.parse_args()
    strange = sorted(set(options.runs) - set(RUNS))
    if strange:
        parser.error(f"no run is called {', '.join(strange)}; there are {', '.join(RUNS)}")
    path = HERE / "results" / f"speed-{slug(processor())}.json"
    for name in [] if options.table else options.runs or RUNS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        # Read again each time: what is recorded stays, whatever becomes of the next.
        records = read(path)
        records[name] = measure(RUNS[name], options, path)
        path.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    write_table(README, records_of(HERE / "results"))


def slug(text):
    """A name for files: letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", text.lower())).strip("-")


def read(path):
    """The record at `path`, or an empty one."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def records_of(folder):
    """{file's stem: record} of every processor."""
    return {path.stem: read(path) for path in sorted(folder.glob("speed-*.json"))}


def measure(arguments, options, path):
    """What one run of the command line prints; its command without folders of this machine."""
    local = []
    if options.peer_python and "--no-peers" not in arguments:
        local += ["--peer-python", options.peer_python]
    if arguments[0] == "input":
        local += ["--data-dir", options.data_dir] if options.data_dir else []
        local += ["--pictures", options.pictures] if options.pictures else []
    if arguments[0] == "growth":
        local += ["--picture", str(path.with_name(path.stem + "-growth.png"))]
    done = subprocess.run([sys.executable, "-m", "intflow", "bench", *arguments, *local, "--json"],
                          stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    return {**json.loads(done.stdout), "command": shlex.join(["intflow", "bench", *arguments])}


def write_table(readme, records):
    """Put the table between the marks of the README; a README without marks is left alone."""
    text = readme.read_text(encoding="utf-8")
    if MARKS[0] not in text:
        print(f"{readme.name} has no line {MARKS[0]}; the table:", *table(records), sep="\n")
        return
    before, rest = text.split(MARKS[0], 1)
    after = rest.split(MARKS[1], 1)[1]
    lines = "\n".join(table(records))
    readme.write_text(f"{before}{MARKS[0]}\n{lines}\n{MARKS[1]}{after}", encoding="utf-8")


def table(records):
    """Lines of Markdown: one table a processor."""
    for name, record in records.items():
        rows = [*step_rows(record), *gemm_rows(record), *other_rows(record)]
        yield from ["", f"{title(record, name)}", "", "| what | intflow | beside |",
                    "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in rows)]


def title(record, name):
    """The processor, cores and backends of a record."""
    about = next(iter(record.values()), None)
    return name if about is None else f"{about['processor']}, {about['about']['machine']}"


def step_rows(record):
    """Images a second, and how many times PyTorch's; of two runs of the same, the first."""
    told = set()
    for run in ("step", "step of every backend", "step on one thread"):
        for row in record.get(run, {}).get("rows", []):
            for name, against in row["ratios"].items():
                threads = ", one thread" if run == "step on one thread" else ""
                what = f"{row['case']} step, batch {row['batch_size']}, {name.split()[1]}{threads}"
                if what not in told:
                    told.add(what)
                    yield what, f"{row['results'][name]['rate']:.0f} images/s", beside(against)


def gemm_rows(record):
    """Share of the peak."""
    for row in record.get("gemm", {}).get("rows", []):
        found = row["faces"]["forward"]
        for name, against in found["ratios"].items():
            result = found["results"][name]
            share = f", {100 * result['share_of_peak']:.0f} % of the peak" \
                if "share_of_peak" in result else ""
            yield (f"{row['case']} s8 product, {name.split()[1]}",
                   f"{2 * result['rate'] / 1e9:.0f} GOP/s{share}", beside(against))


def other_rows(record):
    """Memory, data, threads, start."""
    memory = [(run, row) for run in record if run.startswith("memory") for row in record[run]["rows"]]
    for run, row in memory:
        ours = next(r for name, r in row["results"].items() if name.startswith("intflow"))
        text = f"{ours['of_torch_fp32']:.2f} of torch fp32" if "of_torch_fp32" in ours else ""
        scheme = "".join(run.partition(", ")[1:])
        yield (f"{row['case']}{scheme} peak memory, batch {row['batch_size']}",
               f"{ours['peak_bytes'] / 1e6:.0f} MB, {ours['of_predicted']:.2f} of the prediction",
               text)
    for row in record.get("input", {}).get("rows", []):
        yield (f"{row['case']} step with augmented data", f"{row['cost']['median']:.3f}",
               "of a step on a fixed batch")
    rates = {row["threads"]: row["rate"] for row in record.get("growth", {}).get("rows", [])
             if (row["of"], row["batch_size"]) == ("batch", 128)}
    if {1, 2} <= set(rates):
        yield (f"{record['growth']['model']} step, batch 128, two threads",
               f"{rates[2] / rates[1]:.2f}", "of one thread's images/s")
    for row in record.get("startup", {}).get("rows", []):
        yield (f"{row['case']} to the end of step 1", f"{row['second']['seconds']:.1f} s",
               f"first start {row['first']['seconds']:.0f} s")


def beside(against):
    """Ratios, medians of the rounds with their range."""
    return ", ".join(f"{r['median']:.2f}x {other} ({r['least']:.2f} to {r['most']:.2f})"
                     for other, r in against.items())


if __name__ == "__main__":
    main()
