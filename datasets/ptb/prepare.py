"""Penn Treebank: three files of plain text, read as they are."""

from .. import text
from ..prepare import main
from ..source import TEXT, DataSet, File

FILES = (
    File("ptb.train.txt", 5101618, "f26c4b92c5fdc7b3f8c7cdcb991d8420"),
    File("ptb.valid.txt", 399782, "aa0affc06ff7c36e977d7cd49e3839bf"),
    File("ptb.test.txt", 449945, "8b80168b89c18661a38ef683c0dc3721"),
)


def found(folder):
    """Whether the three files are in a folder."""
    return text.found(folder, [file.name for file in FILES])


def read(folder, known, reading=text.Reading()):
    """The text in words, or in characters."""
    return text.read_parts(folder, known, reading)


SET = DataSet(
    name="ptb",
    title="Penn Treebank",
    classes=(),
    shape=(1,),
    encoding=TEXT,
    licence="text: LDC and Dow Jones; for research",
    homepage="https://catalog.ldc.upenn.edu/LDC99T42",
    read=read,
    found=found,
    files=FILES,
)

if __name__ == "__main__":
    main(SET)
