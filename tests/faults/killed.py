"""The trainer in a process that dies at a chosen moment of its Nth write: python killed.py MOMENT N ARGUMENTS

Nothing of the product takes part: this file puts itself between the product and the system. A
moment is a call as the product makes it while it writes a file of its run folder.

    open      a draft has just been created, and is empty
    half      half of a checkpoint's bytes are written
    fsync     all is written, nothing flushed
    replace   the draft is durable, its name is not changed yet
    replaced  the name is changed, the folder not flushed
"""

import builtins
import os
import signal
import sys


def main(moment, count, arguments):
    from intflow import cli
    from intflow.training import checkpoint, metrics

    left = [int(count)]
    for module in (checkpoint, metrics):
        HOOKS[moment](module, left)
    cli.main(arguments)


def die(left):
    left[0] -= 1
    if left[0] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)


class Half:
    """A binary file of which a large write stops in the middle."""

    def __init__(self, file, left):
        self.file, self.left = file, left

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, content):
        if self.left[0] == 1:
            self.file.write(content[:len(content) // 2])
            self.file.flush()
        if len(content) > 600 or isinstance(content, str):
            die(self.left)
        return self.file.write(content)


def on_open(module, left):
    def opened(path, mode="r", **keywords):
        file = builtins.open(path, mode, **keywords)
        if mode[0] in "wa":
            die(left)
        return file

    module.open = opened


def on_half(module, left):
    def opened(path, mode="r", **keywords):
        file = builtins.open(path, mode, **keywords)
        return Half(file, left) if mode[0] in "wa" else file

    module.open = opened


class System:
    """The module `os` with one call that kills."""

    def __init__(self, name, after, left):
        self.name, self.after, self.left = name, after, left

    def __getattr__(self, name):
        call = getattr(os, name)
        return self.deadly(call) if name == self.name else call

    def deadly(self, call):
        def wrapped(*arguments):
            if not self.after:
                die(self.left)
            call(*arguments)
            die(self.left) if self.after else None

        return wrapped


def on_call(name, after=False):
    def hook(module, left):
        module.os = System(name, after, left)

    return hook


HOOKS = {"open": on_open, "half": on_half, "fsync": on_call("fsync"), "replace": on_call("replace"),
         "replaced": on_call("replace", after=True)}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
