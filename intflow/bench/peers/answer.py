"""How a measured process is asked: one JSON object a line in, one out.

    {"do": "open", "task": NAME, ...settings}   prepare and warm up; what the task tells of itself
    {"do": "time", "seconds": S, "calls": N}    {"seconds": [...]}, of every call
    {"do": "about"}                             what the task tells, and {"peak_bytes": N}

A process does nothing between two questions, so several can take turns on one machine.
"""

import json
import os
import sys
import time


def answer_questions(tasks):
    """Answer until stdin ends.

    tasks : {name: class}; its instances have run(), which is timed, and about(), a dictionary. A
        library that a task lacks is an ImportError: the answer is {"absent": what is missing}.
    """
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)               # what libraries print must not stand among the answers
    task = None
    for line in sys.stdin:
        question = json.loads(line)
        what = question.pop("do")
        try:
            if what == "open":
                task = None     # its memory makes room
                task = tasks[question.pop("task")](**question)
                answer = task.about()
            elif what == "time":
                answer = {"seconds": times(task.run, **question)}
            else:
                answer = {**task.about(), "peak_bytes": memory("VmHWM")}
        except ImportError as error:
            answer = {"absent": f"{error} in {sys.executable}"}
        except Exception as error:          # whatever it is, the one who asked must hear of it
            answer = {"error": f"{type(error).__name__}: {error}"}
        channel.write(json.dumps(answer) + "\n")
        channel.flush()


def times(run, seconds, calls):
    """Seconds of each call: at least `calls` of them, and for at least `seconds`."""
    taken, end = [], time.perf_counter() + seconds
    while len(taken) < calls or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return taken


def memory(field):
    """Bytes of this process: VmRSS is resident now, VmHWM at its most; None where nobody tells.

    Not getrusage: its maximum begins with what the parent process had.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            return next(int(x.split()[1]) << 10 for x in lines if x.startswith(field))
    except (OSError, StopIteration):
        return None
