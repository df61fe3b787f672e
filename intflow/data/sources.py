"""The door to `intflow.datasets`, which knows nothing of this engine.

In an installed copy it is a package like any other (setup.cfg maps the folder `datasets/`
to it). In a bare checkout the folder beside `intflow/` is taken under the same name.
"""

import contextlib
import importlib.util
import sys
from pathlib import Path

from ..errors import DatasetError

NAME = "intflow.datasets"


def _adopt_checkout():
    folder = Path(__file__).resolve().parents[2] / "datasets"
    if not Path(folder, "pack.py").is_file():
        raise DatasetError(f"the folder {folder} is missing; install intflow again")
    spec = importlib.util.spec_from_file_location(
        NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)


if importlib.util.find_spec(NAME) is None:
    _adopt_checkout()

datasets = importlib.import_module(NAME)
NAMES = datasets.NAMES
BadData = datasets.BadData


def describe(name):
    """The published facts of a data set, by its exact name."""
    return datasets.describe(name)


def module(name):
    """A module of `intflow.datasets`: "pack", "cifar", ..."""
    return importlib.import_module(f"{NAME}.{name}")


@contextlib.contextmanager
def as_dataset_errors():
    """Turn BadData, and what the file system may say, into DatasetError: one line, one tree."""
    try:
        yield
    except BadData as error:
        raise DatasetError(error) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise DatasetError(f"{where}cannot be read ({error.strerror or error})") from None
    except MemoryError:
        raise DatasetError("not enough memory to read these files; prepare a pack of them") from None
