"""SVHN, cropped digits: the published MATLAB files to a pack."""

from .. import mat
from ..prepare import main
from ..source import DataSet, Download, File, numbered

SITE = "http://ufldl.stanford.edu/housenumbers/"


def _download(name, md5):
    return Download(name, (SITE + name,), md5)


SET = DataSet(
    name="svhn",
    title="SVHN",
    classes=numbered(10),
    shape=(3, 32, 32),
    encoding="symmetric",
    licence="for non-commercial use only",
    homepage=SITE,
    read=mat.read_folder,
    found=mat.found,
    files=(
        File("train_32x32.mat", md5="e26dedcc434d2e4c54c9b2d4a06d8373"),
        File("test_32x32.mat", md5="eb5a983be6a315427106f1b164d9cef3"),
        File("extra_32x32.mat", md5="a93ce644f1a588dc4d68dda5feec44a7"),
    ),
    downloads=(
        _download("train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373"),
        _download("test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3"),
        _download("extra_32x32.mat", "a93ce644f1a588dc4d68dda5feec44a7"),
    ),
)

if __name__ == "__main__":
    main(SET)
