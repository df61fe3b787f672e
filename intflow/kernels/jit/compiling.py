"""Telling what is being compiled: Numba names each function when a pass over it begins."""

from numba.core import event

OURS = "intflow."


class Announcer(event.Listener):
    """Tells every watcher the name of each function of this package, once in a row."""

    def __init__(self, watchers):
        self.watchers, self.last = watchers, None

    def on_start(self, event):
        """A pass begins; one function has dozens of them."""
        module, name = event.data.get("module") or "", event.data.get("qualname")
        if module.startswith(OURS) and name != self.last:
            self.last = name
            for watcher in self.watchers:
                watcher(f"{module.rsplit('.', 1)[-1]}.{name}")

    def on_end(self, event):
        """Nothing to tell."""


_LISTENING = []


def announce(watchers):
    """Have Numba tell the functions in this list, now and as it changes."""
    if not _LISTENING:
        _LISTENING.append(Announcer(watchers))
        event.register("numba:run_pass", _LISTENING[0])
