"""A run that tells when its first step was done, then a second one, and stops.

    python -m intflow.bench.first_step '{"model": "vgg7"}'
"""

import json
import os
import sys
import tempfile
import time


class Reporter:
    """Notes when steps end; leaves after the second."""

    def __init__(self):
        self.marks = []

    def started(self, training):
        """The first step comes."""

    def stepped(self, training):
        """A step is done: the second one tells what the first took but for loading code."""
        self.marks.append((time.monotonic(), time.process_time()))
        if len(self.marks) == 2:
            (at, cpu), (_, then) = self.marks
            print(json.dumps({"at": at, "cpu": cpu, "step": then - cpu}), flush=True)
            os._exit(0)


def main():
    """One run of the command line's own training, in a folder that goes."""
    from intflow.training import Config, Training

    with tempfile.TemporaryDirectory() as folder:
        Training.start(Config(**json.loads(sys.argv[1])), folder, Reporter()).run()


if __name__ == "__main__":
    main()
