"""Two and three workers give the bits of one, and end as one."""

import json

import pytest
from command_line import metrics, write_idx
from parallel.cases import CASES
from parallel.jobs import HERE, finished, needs_mpi, start

from intflow.cli import main
from intflow.group import ALONE
from intflow.training.checkpoint import read_checkpoint
from intflow.training.count import Plan

pytestmark = needs_mpi
TRAIN = ["train", "--model", "lenet", "--batch-size", 10, "--epochs", 1, "--quiet"]
NARROW = 9 * 2 * 4 + 36 * 4 * 4         # weights of the case `narrow`


@pytest.fixture(scope="module")
def alone():
    return {name: json.loads(json.dumps(case(ALONE))) for name, case in CASES.items()}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_idx(tmp_path_factory.mktemp("data"), train=600, test=30)


@pytest.fixture(scope="module")
def killed(data, tmp_path_factory):
    """(folder of a run of two workers of which one was killed, its exit code, what it said)."""
    run = tmp_path_factory.mktemp("runs") / "killed"
    options = ["--data", data, "--save-every", 1, "--out", run]
    code, _, err = finished(start(2, HERE / "killed.py", run / "checkpoint.h5", *TRAIN, *options))
    return run, code, err


def check_cases(report, workers, alone):
    """All cases are those of one worker alone."""
    assert report["size"] == workers
    for name, expected in alone.items():
        given = {kind: value for kind, value in report["cases"][name].items() if kind != "traffic"}
        assert given == expected, name


def test_a_killed_worker_is_told_of(killed):
    run, code, err = killed
    said = [line for line in err.splitlines() if line.startswith("intflow: ")]
    assert said == ["intflow: a worker was killed, and with it the job; "
                    f"go on with: intflow train --resume {run}"]
    assert code != 0 and "Traceback" not in err


def test_three_workers_are_one_and_go_on_with_the_run_of_two(alone, killed, data, tmp_path):
    run = killed[0]
    steps = int(read_checkpoint(run / "checkpoint.h5")[0]["steps"])
    assert 0 < steps < 60
    code, out, err = finished(start(3, HERE / "worker.py", "good", run, steps + 2))
    assert (code, err) == (0, "")
    report, measured, timed = map(json.loads, out.splitlines())
    check_cases(report, 3, alone)
    traffic = {name: case["traffic"] for name, case in report["cases"].items()}
    assert traffic["narrow"]["gradients"] == {"messages": 5 * 2, "bytes": 5 * 2 * NARROW}
    assert traffic["counted"]["sums"]["messages"] == 5

    whole = tmp_path / "whole"
    with pytest.raises(SystemExit) as stop:
        main([*map(str, TRAIN), "--data", str(data), "--max-steps", str(steps + 2),
              "--threads", "1", "--out", str(whole)])
    assert not stop.value.code
    given, expected = metrics(run)[-1], metrics(whole)[-1]
    assert given.pop("workers") == 3
    exchanged = given.pop("exchanged")
    for kind, counts in Plan("lenet", batch_size=10).exchange(3).items():     # of one step
        extra = 4 if kind == "totals" else 0        # the last step measures its 4 activations
        assert exchanged[kind]["messages"] == 2 * counts["messages"] + extra, kind
        assert extra or exchanged[kind]["bytes"] == 2 * counts["bytes"], kind
    for name in ("images_per_second", "seconds"):
        given.pop(name), expected.pop(name)
    assert given == expected
    assert measured["digest"] == expected["digest"]
    assert measured["test_error"] == expected["test_error"]
    assert timed["workers"] == 3
    plan = Plan("lenet", width="1/8", batch_size=10).exchange(3)
    assert timed["rows"][0]["exchanged"] == plan


def test_a_worker_that_fails_ends_all_with_one_line(alone):
    code, out, err = finished(start(2, HERE / "worker.py", "bad"))
    assert (code, err) == (1, "intflow: worker 1: its disk is empty; fill it\n")
    check_cases(json.loads(out), 2, alone)
