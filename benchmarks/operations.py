"""Operations, bytes and energy of a training step of every model, as a table.

    python benchmarks/operations.py [--bits 2888 ...] [--models lenet ...] [--json]

One line for every model, beside the same layers in fp32 and bf16. Nothing is measured: counts
follow from shapes and formats, energies from a stated table (`intflow count --help`). "packed" is
memory with codes packed to their bits and sums kept on chip.
"""

import argparse
import json

from intflow.commands.count_table import short
from intflow.costs import read_energy
from intflow.models import MODELS
from intflow.training.count import Plan, count

COLUMNS = ("model", "bits", "batch", "pass", "MAC", "add", "read", "written", "ops J", "memory J",
           "packed J", "of fp32", "of bf16", "WRPN cost")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--bits", nargs="+", default=["2888", "8888"])
    parser.add_argument("--scheme", default="wage")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--memory", default="dram")
    parser.add_argument("--json", action="store_true", help="whole reports, one a line")
    options = parser.parse_args()
    table = read_energy()
    if not options.json:
        print("| " + " | ".join(COLUMNS) + " |\n|" + " --- |" * len(COLUMNS))
    for model in options.models:
        for bits in options.bits:
            plan = Plan(model, bits, options.scheme, batch_size=options.batch_size)
            report = count(plan, table, options.memory)
            print(json.dumps(report) if options.json else row(report))


def row(report):
    """A line of the table; energy of operations and memory together, as a share of the floats'."""
    total = report["total"]
    energy, fp32, bf16 = (report[name]["operations_pj"] + report[name]["memory_pj"]
                          for name in ("total", "fp32", "bf16"))
    cells = [
        report["model"], report["bits"], report["batch_size"],
        "training" if report["loss"] else "forward",
        *(short(sum(total["operations"].get(name, {}).values())) for name in ("mac", "add")),
        *(short(sum(total[side].values())) for side in ("read", "written")),
        *(short(total[name] * 1e-12) for name in ("operations_pj", "memory_pj", "packed_pj")),
        f"{energy / fp32:.2f}", f"{energy / bf16:.2f}", short(report["wrpn"]["cost"]),
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    main()
