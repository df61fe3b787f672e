"""The data of a run, read as its model reads: images, or a text in words or characters."""

from ..data import open_dataset, reading
from ..errors import UsageError
from ..models import find_model
from .encoder import TEXT

ONE_OF_TEXT = "--data ptb --data-dir DIR, or --data FILE.txt"


def open_data(config, data="", data_dir="", vocabulary=None):
    """Open the data set of a Config, or other data for its model.

    data, data_dir : in the place of the Config's.
    vocabulary : tuple of tokens that a network knows; None for the text's own.

    Raises
    ------
    DatasetError, UnknownNameError : as `open_dataset`. UsageError : a text for a model of images, or
        the other way round.
    """
    model = find_model(config.model)
    asked, folder = data or config.data, data_dir or config.data_dir or None
    if not model.text:
        dataset = open_dataset(asked or None, folder)
        if dataset.encoding == TEXT:
            raise UsageError(f"{config.model} takes images and {dataset.name} is a text; use a model "
                             "such as ptb-lstm")
        return dataset
    if not asked:
        raise UsageError(f"{config.model} reads text and none comes with intflow; give {ONE_OF_TEXT}")
    dataset = open_dataset(asked, folder, reading(model.text, config.vocabulary, vocabulary))
    if dataset.encoding != TEXT:
        raise UsageError(f"{config.model} reads text and {asked} holds images; give {ONE_OF_TEXT}")
    return dataset
