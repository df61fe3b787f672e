"""Train a network of intflow in fp32 with PyTorch: what the integer runs are compared with.

    python benchmarks/fp32_baseline.py --model resnet20 --epochs 30 --lr 0.1 --data-dir DIR

Batches, augmentation and schedule are those of `intflow train` with the same options and seed: the
same images in the same order. Weight decay acts on weights alone, as there. The record lies under
results/ like every other; a run that was stopped goes on where it was.
"""

import argparse
import json
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from intflow.data import batches, evaluation_batches, open_dataset
from intflow.kernels import load
from intflow.models import find_model, make_layers
from intflow.training.schedule import format_schedule, parse_rate, parse_schedule, rate_at

try:
    import torch
except ImportError:
    sys.exit("fp32_baseline.py needs PyTorch; pip install intflow[peers]")

from torch_network import convert

RESULTS = Path(__file__).resolve().parent / "results"
KERNELS = load("reference")         # order and crops: the same integers on every backend


def main():
    options = arguments()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads or torch.get_num_threads())
    dataset = open_dataset(options.data, options.data_dir or None)
    net, optimizer = network(options, dataset)
    lines, path = [], Path(options.work) / f"{name_of(options)}.pt"
    if path.exists():
        state = torch.load(path, weights_only=True)
        net.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optimizer"])
        lines = state["lines"]
    path.parent.mkdir(parents=True, exist_ok=True)
    for epoch in range(len(lines), options.epochs):
        lines.append(one_epoch(net, optimizer, dataset, options, epoch))
        print(lines[-1], flush=True)
        state = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "lines": lines}
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)
        record(options, lines)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="resnet20")
    parser.add_argument("--width", default="1")
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--data-dir", default="")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr", default="1/10")
    parser.add_argument("--schedule", default="", help="as of intflow train: 15:1/100, exp:0.9")
    parser.add_argument("--momentum", default="7/8")
    parser.add_argument("--weight-decay", default="1/10000")
    parser.add_argument("--augment", default="crop_flip")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--work", default="runs", help="folder for the run's state")
    return parser.parse_args()


def name_of(options):
    """Folder of the record."""
    wide = "" if options.width == "1" else f"-{options.width}x".replace("/", "_")
    return f"fp32-{options.model}{wide}-{options.data}-seed{options.seed}"


def network(options, dataset):
    """(module, optimiser)."""
    layers = make_layers(options.model, len(dataset.classes), Fraction(options.width))
    net, _ = convert(layers, dataset.shape[0])
    net.eval()(torch.zeros(2, *dataset.shape))          # tells lazy layers their size
    for weight in (p for p in net.parameters() if p.ndim > 1):
        torch.nn.init.kaiming_normal_(weight)
    decayed = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": float(Fraction(options.weight_decay))},
              {"params": others, "weight_decay": 0.0}]
    return net, torch.optim.SGD(groups, lr=1.0, momentum=float(Fraction(options.momentum)))


def one_epoch(net, optimizer, dataset, options, epoch):
    """Train on all batches, then test; a line of metrics."""
    rate = rate_at(epoch, parse_rate(options.lr), parse_schedule(options.schedule))
    for group in optimizer.param_groups:
        group["lr"] = float(rate)
    started, images, wrong, loss = time.monotonic(), 0, 0, 0.0
    net.train()
    stream = batches(dataset.train, options.batch_size, dataset.shape, options.augment,
                     options.seed, epoch, kernels=KERNELS)
    for batch in stream:
        outputs, labels = net(encoded(batch.images, options.model)), torch.from_numpy(batch.labels)
        cost = torch.nn.functional.cross_entropy(outputs, labels)
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        images, loss = images + len(labels), loss + cost.item() * len(labels)
        wrong += int((outputs.argmax(1) != labels).sum())
    seconds = time.monotonic() - started
    return {"epoch": epoch + 1, "lr": str(rate), "train_loss": loss / images,
            "train_error": wrong / images, **test(net, dataset, options.model),
            "images_per_second": round(images / seconds, 1), "seconds": round(seconds, 2)}


def test(net, dataset, model):
    """{"test_loss", "test_error"} on the test images."""
    net.eval()
    wrong, loss = 0, 0.0
    with torch.no_grad():
        for batch in evaluation_batches(dataset.test, 500, dataset.shape, kernels=KERNELS):
            outputs, labels = net(encoded(batch.images, model)), torch.from_numpy(batch.labels)
            loss += float(torch.nn.functional.cross_entropy(outputs, labels, reduction="sum"))
            wrong += int((outputs.argmax(1) != labels).sum())
    return {"test_loss": loss / len(dataset.test), "test_error": wrong / len(dataset.test)}


def encoded(images, model):
    """u8 pixels as the fp32 input: by the model's preprocessing, else from -1 to 1."""
    x = torch.from_numpy(np.ascontiguousarray(images)).float()
    about = find_model(model).preprocessing
    if about is None:
        return x / 127.5 - 1
    mean, std = (torch.tensor([float(v) for v in values]).view(1, -1, 1, 1)
                 for values in (about.mean, about.std))
    return (x / 255 - mean) / std


def record(options, lines):
    """command.txt, config.json, metrics.jsonl, machine.json under results/."""
    folder = RESULTS / name_of(options)
    folder.mkdir(parents=True, exist_ok=True)
    local = ("data_dir", "threads", "work")
    about = {k: v for k, v in vars(options).items() if k not in local}
    about["schedule"] = format_schedule(parse_schedule(options.schedule))
    text = " ".join(f"--{k.replace('_', '-')} {v}" for k, v in about.items() if v != "")
    (folder / "command.txt").write_text(f"python benchmarks/fp32_baseline.py {text}\n")
    (folder / "config.json").write_text(json.dumps(about, indent=2) + "\n")
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    machine = {"python": sys.version.split()[0], "torch": torch.__version__,
               "threads": torch.get_num_threads()}
    (folder / "machine.json").write_text(json.dumps(machine, indent=2) + "\n")


if __name__ == "__main__":
    main()
