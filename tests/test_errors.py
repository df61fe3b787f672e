"""The tree of errors: one line each, near names, exit codes, and a docstring that shows it all."""

import copy
import pickle

import pytest

from intflow import errors

CLASSES = [value for value in vars(errors).values()
           if isinstance(value, type) and issubclass(value, errors.IntflowError)]


@pytest.mark.parametrize("error", CLASSES)
def test_tree_is_drawn(error):
    assert f" {error.__name__} " in errors.__doc__
    assert error.exit_code in (1, 2)


def test_messages_are_one_line():
    assert str(errors.ShapeError("a\nb\r\nc")) == "a b c"


def test_unknown_names():
    error = errors.UnknownNameError("model", "LeNett", ["mlp", "lenet", "vgg7"])
    assert str(error) == "unknown model 'LeNett': did you mean lenet? Known: mlp, lenet, vgg7."
    assert "did you mean" not in str(errors.UnknownNameError("model", "zzz", ["mlp"]))
    assert str(errors.UnknownNameError("model", "x", [])) == "unknown model 'x': There is none."


def test_errors_survive_copies_and_pickles():
    error = errors.UnknownNameError("model", "lenett", ["lenet"])
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert str(twin) == str(error) and twin.known == ("lenet",)
    assert str(pickle.loads(pickle.dumps(errors.RangeError("no")))) == "no"
