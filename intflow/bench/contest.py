"""Tasks that take turns on one machine, and what is told of their times."""

from contextlib import nullcontext
from statistics import median
from typing import NamedTuple

from .processes import engine, peer


class Entrant(NamedTuple):
    """One that is timed.

    name : in the report. task, settings : what its process opens.
    is_peer : whether the process is another engine's.
    work : operations, bytes or images of one call; the report tells rates of it.
    """

    name: str
    task: str
    settings: dict
    is_peer: bool = False
    work: int = 1


class Team:
    """Processes that stay for several contests: one for each name."""

    def __init__(self, options):
        self.options, self._processes = options, {}

    def process(self, entrant):
        """The entrant's process, started when it is first asked for."""
        if entrant.name not in self._processes:
            threads = self.options.threads
            self._processes[entrant.name] = (
                peer(self.options.peer_python, threads) if entrant.is_peer else engine(threads))
        return self._processes[entrant.name]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._processes.values():
            process.close()


def contest(entrants, options, calls=1, team=None):
    """Time the entrants in turn.

    Parameters
    ----------
    calls : the fewest of a turn. team : a Team, where its processes shall stay.

    Returns
    -------
    {"results": {name: {"seconds", "least", "most", "rate", ...what its task tells}},
     "absent": {name: why}}
    seconds : median over the rounds of a round's median; least and most: over the rounds.
    rounds : [seconds] as they came. rate : work a second, at the median.
    """
    with nullcontext(team) if team else Team(options) as team:
        running, absent = [], {}
        for entrant in entrants:
            process = team.process(entrant)
            told = process.ask(do="open", task=entrant.task, **entrant.settings)
            if "absent" in told:
                absent[entrant.name] = told["absent"]
            else:
                running.append((entrant, process, []))
        for _ in range(options.rounds):
            for _, process, taken in running:
                answer = process.ask(do="time", seconds=options.seconds, calls=calls)
                taken.append(median(answer["seconds"]))
        results = {entrant.name: {**process.ask(do="about"), **summary(taken, entrant.work)}
                   for entrant, process, taken in running}
    return {"results": results, "absent": absent}


def summary(rounds, work):
    """What a report tells of the seconds of some rounds.

    Examples
    --------
    [0.5, 0.2, 0.25] for 2 images: 0.25 seconds, least 0.2, most 0.5, 8 images a second.
    """
    middle = median(rounds)
    return {"seconds": middle, "least": min(rounds), "most": max(rounds), "rounds": list(rounds),
            "rate": work / middle}


def ratio(results, name, other):
    """How many times quicker `name` is than `other`: of each round, since a machine drifts.

    Examples
    --------
    Seconds [1, 2] against [3, 4]: median 2.5, least 2, most 3.
    """
    rounds = [b / a for a, b in zip(results[name]["rounds"], results[other]["rounds"])]
    return {"median": median(rounds), "least": min(rounds), "most": max(rounds)}


def ratios(results, name, others):
    """{other: ratio} of those that took part."""
    return {other: ratio(results, name, other) for other in others if other in results}
