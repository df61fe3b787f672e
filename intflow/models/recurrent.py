"""Language models: the next word or character of a text."""

from ..layers import Embedding, Gru, Linear, Lstm, Rnn, Sequential
from .blocks import scaled


def lstm(classes, width=1):
    """Embedding of 300, one LSTM of 300 units: QNN's net for the words of the Penn Treebank."""
    return _language(classes, 300, Lstm, 300, width)


def gru(classes, width=1):
    """`lstm` with gated recurrent units."""
    return _language(classes, 300, Gru, 300, width)


def rnn(classes, width=1):
    """One simple recurrent layer of 2048 units: QNN's net for the characters of the Penn Treebank."""
    return _language(classes, 128, Rnn, 2048, width)


def _language(classes, features, layer, units, width):
    """classes : size of the vocabulary, of which one token is told from those before."""
    c = scaled(width)
    return Sequential(Embedding(classes, c(features)), layer(c(units)), Linear(classes, bias=True))
