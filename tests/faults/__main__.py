"""scripts/faults: a training is killed, starved and damaged, again and again; see rounds.py.

    scripts/faults --rounds 100 --out benchmarks/results/faults.json
"""

import argparse
import collections
import json
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from faults.rounds import ROUNDS, Place, Skipped


def main():
    options = parse()
    kinds = options.kind or list(ROUNDS)
    table = {kind: collections.Counter() for kind in kinds}
    failures, started = [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as home:
        place = Place(home)
        for number in range(options.first, options.first + options.rounds):
            kind = kinds[number % len(kinds)]
            result = one(place, kind, number, options.seed, failures)
            table[kind][result] += 1
            print(f"{number:4} {kind}: {result}", flush=True)
    report = {"rounds": options.rounds, "seed": options.seed,
              "seconds": round(time.monotonic() - started, 1),
              "kinds": {kind: dict(counts) for kind, counts in table.items()}, "failures": failures}
    if options.out:
        Path(options.out).write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report["kinds"]), f"{len(failures)} failures", file=sys.stderr)
    return 1 if failures else 0


def one(place, kind, number, seed, failures):
    """"survived", "skipped" or "FAILED" of one round."""
    try:
        ROUNDS[kind](place, Random(f"{seed} {number}"))
    except Skipped as reason:
        return f"skipped, {reason}"
    except Exception as error:
        failures.append({"round": number, "kind": kind, "what": f"{type(error).__name__}: {error}"[:600]})
        print(failures[-1]["what"], flush=True)
        return "FAILED"
    return "survived"


def parse():
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__.splitlines()[0])
    parser.add_argument("kind", nargs="*", metavar="KIND", help=", ".join(ROUNDS))
    parser.add_argument("--rounds", type=int, default=100, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first round")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--out", metavar="FILE.json", help="where to write the counts")
    options = parser.parse_args()
    unknown = [kind for kind in options.kind if kind not in ROUNDS]
    if unknown:
        parser.error(f"{unknown[0]!r} is none of {', '.join(ROUNDS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
