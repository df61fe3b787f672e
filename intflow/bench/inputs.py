"""Whether data keeps up: steps with data against steps on one batch, and pictures a second."""

from ..data import batches, open_dataset
from ..errors import DatasetError
from ..kernels import load
from ..training.config import Config
from ..training.setup import PICTURE_SIZE, prepare
from .contest import Entrant, contest, ratio

MODELS = ("vgg7",)
STEPS = 8           # of a call; more than what waits at its beginning
CALLS = 3           # of a turn at least: the first one finds batches that were made in the pause
PICTURE_BATCH, CROP = 32, (3, 224, 224)


class Feeding:
    """STEPS steps, of batches that come from the data or of one that stays.

    config : fields of Config. fed : whether the batches come from the data.
    """

    def __init__(self, config, fed):
        self.setup = prepare(Config(**config))
        self.fed, self.epoch = fed, 0
        self.stream = self._batches()
        self.batch = next(self.stream)
        self._step(self.batch)
        self.run()

    def about(self):
        config = self.setup.config
        return {"data": config.data, "augment": config.augment, "batch_size": config.batch_size,
                "images": STEPS * config.batch_size}

    def run(self):
        for _ in range(STEPS):
            self._step(next(self.stream) if self.fed else self.batch)

    def _step(self, batch):
        self.setup.trainer.step(batch.images, batch.labels)

    def _batches(self):
        """Epoch after epoch."""
        config, kernels = self.setup.config, self.setup.trainer.kernels
        while True:
            yield from batches(
                self.setup.dataset.train, config.batch_size, self.setup.input_shape,
                config.augment, config.seed, self.epoch, 0, kernels.threads, kernels)
            self.epoch += 1


class Reading:
    """Pictures of a folder, decoded, cropped and mirrored, without a step: a batch a call.

    folder : of pictures. images : in a batch.
    """

    def __init__(self, folder, images, backend, threads):
        dataset = open_dataset(folder)
        if tuple(dataset.shape[1:]) != PICTURE_SIZE:
            raise DatasetError(f"{folder} holds no folder of pictures; name one that does")
        self.train, self.images = dataset.train, min(images, len(dataset.train))
        self.kernels, self.epoch = load(backend, threads), 0
        self.stream = self._batches()
        self.run()

    def about(self):
        return {"images": self.images}

    def run(self):
        next(self.stream)

    def _batches(self):
        while True:
            yield from batches(self.train, self.images, CROP, "image_folder", 1, self.epoch, 0,
                               self.kernels.threads, self.kernels)
            self.epoch += 1


def run(options, tell):
    """One row a model, and one for the pictures where a folder is named."""
    rows = [_fed(model, options, tell) for model in options.models or MODELS]
    report = {"rows": rows, "pictures": None}
    if options.pictures:
        tell(f"input: pictures of {options.pictures}")
        settings = dict(folder=options.pictures, images=options.batch_size or PICTURE_BATCH,
                        backend=options.backend, threads=options.threads)
        found = contest([Entrant("pictures", "reading", settings)], options, CALLS)
        result = found["results"]["pictures"]
        report["pictures"] = {**result, "rate": result["images"] / result["seconds"]}
    return report


def _fed(model, options, tell):
    config = dict(model=model, bits=options.bits, scheme=options.scheme, width=options.width,
                  data=options.data, data_dir=options.data_dir, batch_size=options.batch_size,
                  threads=options.threads, backend=options.backend)
    tell(f"input: {model}, steps with and without data")
    entrants = [Entrant(name, "feeding", dict(config=config, fed=name == "with data"))
                for name in ("with data", "fixed batch")]
    results = contest(entrants, options, CALLS)["results"]
    for result in results.values():
        result["rate"] = result["images"] / result["seconds"]
    # How much longer a step with data takes: above 1 the data is waited for.
    return {"case": model, "results": results, "cost": ratio(results, "fixed batch", "with data")}


def lines(report):
    """Images a second with and without data."""
    for row in report["rows"]:
        results = row["results"]
        fed, fixed, cost = results["with data"], results["fixed batch"], row["cost"]
        yield (f"{row['case']}, batch {fed['batch_size']}, {fed['data']}, {fed['augment']}: "
               f"{fed['rate']:.1f} images/s with data, {fixed['rate']:.1f} on a fixed batch; a "
               f"step takes {cost['median']:.3f} ({cost['least']:.3f} to {cost['most']:.3f}) times "
               "as long")
    if report["pictures"]:
        yield f"pictures, decoded and cropped: {report['pictures']['rate']:.1f} images/s"
