"""The examples run, and say what their heads promise."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "scripts" / "examples"


def test_systolic_array():
    run = subprocess.run([sys.executable, EXAMPLES / "systolic_array.py"], capture_output=True,
                         text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    head, *rows, last = run.stdout.splitlines()
    assert head == "16 x 16 cells, 2 steps of 4 images"
    assert len(rows) == 6 and all("cycles" in row for row in rows)
    assert last.startswith("equal; state ")
    # 2 steps, 4 images, 14 x 14 pixels, 8 channels, 25 taps each.
    assert f"{2 * 4 * 14 * 14 * 8 * 25:,} products" in rows[0]
