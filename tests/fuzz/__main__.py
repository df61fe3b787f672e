"""scripts/fuzz: damaged files for every reader; see worker.py for what counts as a finding.

    scripts/fuzz --cases 10000                  all readers, a line each
    scripts/fuzz idx pack --cases 500           two of them
    scripts/fuzz idx --first 4711 --cases 1 --keep /tmp/case     one case, its file kept
"""

import argparse
import collections
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from fuzz.readers import READERS
from fuzz.worker import fuzz


def main():
    options = parse()
    table = {}
    for name in options.readers or READERS:
        if options.keep:
            Path(options.keep).write_bytes(READERS[name].case(name, options.first))
        started = time.monotonic()
        found = fuzz(name, options.first, options.first + options.cases)
        table[name] = {"cases": options.cases, "seconds": round(time.monotonic() - started, 1),
                       "findings": [asdict(finding) for finding in found]}
        print(f"{name:15} {options.cases} cases, {table[name]['seconds']} s, {len(found)} findings",
              flush=True)
        for (what, where), count in grouped(found):
            print(f"    {count} x {what}  {where}", flush=True)
        if options.out:
            Path(options.out).write_text(json.dumps(table, indent=1) + "\n")
    return 1 if any(row["findings"] for row in table.values()) else 0


def grouped(found):
    """Findings of one kind together, with the number of the first."""
    kinds = collections.Counter()
    first = {}
    for finding in found:
        key = finding.where or finding.what
        kinds[key] += 1
        first.setdefault(key, finding)
    return [((f"{first[key].what} (case {first[key].number})", first[key].where), count)
            for key, count in kinds.most_common(12)]


def parse():
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("readers", nargs="*", choices=[[], *READERS], metavar="READER",
                        help=", ".join(READERS))
    parser.add_argument("--cases", type=int, default=10_000, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first case")
    parser.add_argument("--out", metavar="FILE.json", help="where to write all findings")
    parser.add_argument("--keep", metavar="FILE", help="where to keep the file of the first case")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
