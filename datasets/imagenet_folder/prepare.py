"""ImageNet, or any folder of pictures arranged like it, to a pack of 256 x 256 squares."""

from .. import folder, pixels
from ..prepare import main
from ..source import DataSet

SET = DataSet(
    name="imagenet_folder",
    title="ImageNet-style folder",
    classes=(),
    shape=(3, pixels.SIDE, pixels.SIDE),
    encoding="symmetric",
    licence=folder.FOLDER_LICENCE,
    homepage="https://www.image-net.org/",
    read=folder.read_folder,
    found=folder.found,
)

if __name__ == "__main__":
    main(SET)
