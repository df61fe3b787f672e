"""What a record of measurements says of where and how they were made."""

import os
import platform
from datetime import datetime, timezone

from ..training.info import describe


def record(name, command, report):
    """The report of a benchmark with machine, versions, command and time."""
    about = describe()
    about.pop("data folders", None)
    return {"bench": name, "command": command, "when": now(), "processor": processor(),
            "load": list(os.getloadavg()), "about": about, **report}


def now():
    """Coordinated time, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def processor():
    """The name of the processor, as the operating system has it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            found = [line.split(":", 1)[1].strip() for line in lines
                     if line.startswith("model name")]
    except OSError:
        found = []
    return found[0] if found else platform.processor() or platform.machine()
