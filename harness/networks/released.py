"""Released weights by name: which file, from where, and what its publisher reports of it. Without torch.

The lists are those that the installed libraries bring along: mmsegmentation's ``metafile.yaml`` files, mmengine's list
of backbones, torchvision's enumerations of weights. Their file names end in the first 8 digits of the file's SHA-256.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

BACKBONES = "open-mmlab://"
"""What the names of mmengine's backbones begin with, in mmsegmentation's configs too."""

YOURS = "yours/"
"""What the names of weights begin with that nobody published: the user puts the file there, whatever it holds."""

DIGITS = re.compile(r"[-_]([0-9a-f]{8,64})\.pth$")
"""Digits of the SHA-256 at the end of a published file's name."""


@dataclass(frozen=True)
class Released:
    """A file of weights that somebody published.

    Attributes:
        name: What it is called here.
        file: Name of the file.
        url: Where it is published; ``""``: nowhere that it could be fetched from.
        sha256: The first digits of its hash, or all of them.
        data: What it was trained on and the metrics are of, in its publisher's words.
        metrics: What its publisher reports, in per cent, by the publisher's names.
        source: Where these figures are from.
    """

    name: str
    file: str
    url: str
    sha256: str
    data: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Reported:
    """A figure that a publisher reports: ``Reported(71.11, "mIoU", "Cityscapes", "mmsegmentation 1.2.2, configs/…")``.

    Attributes:
        value: In per cent.
        metric: By the publisher's name.
        data: What it was measured on.
        source: Where it is from.
    """

    value: float
    metric: str
    data: str
    source: str


UPERNET_R18 = "upernet_r18_4xb2-80k_cityscapes-512x1024"

OWN = {
    UPERNET_R18: Released(
        UPERNET_R18,
        "upernet_r18_512x1024_80k_cityscapes_20220614_110712-c89a9188.pth",
        "https://download.openmmlab.com/mmsegmentation/v0.5/upernet/upernet_r18_512x1024_80k_cityscapes/"
        "upernet_r18_512x1024_80k_cityscapes_20220614_110712-c89a9188.pth",
        "c89a9188",
        "Cityscapes",
    ),
    "squeezenet1_0.deepcompression": Released(
        "squeezenet1_0.deepcompression",
        "squeezenet1_0_deepcompression_torchvision.pth",
        "",
        "9b546079d6dcbf1081f4a5bf256e259ae69fc13864cb790f0a9ec2d2146dfc44",
        "ImageNet-1K",
    ),
}
"""What no library lists: SqueezeNet 1.0 of Han et al. 2016 (Deep Compression), decoded into torchvision's tensors; and
a checkpoint whose config is in mmsegmentation's wheel, but which its ``metafile.yaml`` leaves out."""


@cache
def find(name: str) -> Released | None:
    """The weights of that name; ``None`` where there are none.

    Args:
        name: Of a config of mmsegmentation, ``"fcn_r18-d8_4xb2-80k_cityscapes-512x1024"``, or of its published file; of
            torchvision, ``"resnet50.imagenet1k_v1"``; of mmengine's backbones, ``"open-mmlab://resnet18_v1c"``; a key
            of :data:`OWN`; or ``"yours/dr-resnet18"``, a file ``dr-resnet18.pth`` that the user puts into the folder.

    Raises:
        ValueError: mmsegmentation published several files under the name.
    """
    return OWN.get(name) or _yours(name) or _backbone(name) or _torchvision(name) or _mmsegmentation(name)


def known(name: str) -> Released:
    """As :func:`find`.

    Raises:
        ValueError: There are no weights of that name; one sentence.
    """
    if (found := find(name)) is None:
        raise ValueError(
            f"Expected weights by a name of mmsegmentation's, torchvision's or mmengine's lists, but got {name!r}; "
            'write "fcn_r18-d8_4xb2-80k_cityscapes-512x1024", "resnet50.imagenet1k_v1" or "open-mmlab://resnet18_v1c", '
            "for example, or the path and the `sha256` of a file."
        )
    return found


def reported(name: str, metric: str = "") -> Reported:
    """A figure that the publisher of weights reports of them, as a published reference value.

    Args:
        name: As in :func:`find`.
        metric: By the publisher's name, ``"mIoU"`` or ``"acc@1"``; ``""``: the first one of its list, which is the mIoU
            (the mean Dice of vessels) or the top-1 accuracy.

    Raises:
        ValueError: There are no such weights, or nothing is reported of them.
    """
    weights = known(name)
    chosen = metric or next(iter(weights.metrics), "")
    if chosen not in weights.metrics:
        raise ValueError(
            f"Expected a metric that is reported of {name}, which are {', '.join(weights.metrics) or 'none'}, but got "
            f"{metric!r}; choose other weights or another metric."
        )
    return Reported(weights.metrics[chosen], chosen, weights.data, weights.source)


def _yours(name: str) -> Released | None:
    """A file that the user may put into the folder of weights; its content identifies it, and no hash is expected."""
    file = name.removeprefix(YOURS)
    return Released(name, f"{file}.pth", "", "") if name.startswith(YOURS) and re.fullmatch(r"[\w.-]+", file) else None


def _mmsegmentation(name: str) -> Released | None:
    """The checkpoint of a config, from the ``metafile.yaml`` files in mmsegmentation's wheel."""
    import yaml

    found: dict[str, Released] = {}
    for file in sorted(_folder("mmseg").glob(".mim/configs/*/metafile.yaml")):
        text = file.read_text("utf-8")
        if name not in text:
            continue  # all of them together take half a second
        for model in yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["Models"]:
            url = str(model.get("Weights") or "")
            published = url.rpartition("/")[2]
            if not url or name not in (model["Name"], published):
                continue
            results: Mapping[str, Any] = model["Results"]
            source = f"mmsegmentation {version('mmsegmentation')}, configs/{file.parent.name}/metafile.yaml"
            metrics = {str(metric): float(value) for metric, value in results["Metrics"].items()}
            released = Released(name, published, url, digits(published), str(results["Dataset"]), metrics, source)
            found.setdefault(published, released)
    if len(found) > 1:
        raise ValueError(
            f"Expected the name of one file of weights, but mmsegmentation lists {len(found)} as {name}; "
            f"write {' or '.join(found)}."
        )
    return next(iter(found.values()), None)


def _backbone(name: str) -> Released | None:
    """A backbone of mmengine's list, which reports no metrics."""
    if not name.startswith(BACKBONES):
        return None
    hub = _folder("mmengine") / "hub"
    urls: Mapping[str, str] = json.loads((hub / "openmmlab.json").read_text("utf-8"))
    renamed: Mapping[str, str] = json.loads((hub / "deprecated.json").read_text("utf-8"))
    key = name.removeprefix(BACKBONES)
    url = urls.get(renamed.get(key, key))
    if url is None:
        return None
    file = url.rpartition("/")[2]
    return Released(name, file, url, digits(file))


def _torchvision(name: str) -> Released | None:
    """A classifier of torchvision's, read from its source: importing it takes torch."""
    architecture, _, member = name.partition(".")
    if not member:
        return None
    for text in _torchvision_sources():
        wanted = re.search(
            rf"^class ({re.escape(architecture)}_Weights)\(WeightsEnum\)", text, re.IGNORECASE | re.MULTILINE
        )
        if wanted:
            for found, call in _members(ast.parse(text), wanted[1]):
                if found.lower() == member.lower():
                    return _of_call(name, call)
    return None


@cache
def _torchvision_sources() -> tuple[str, ...]:
    return tuple(file.read_text("utf-8") for file in sorted(_folder("torchvision").glob("models/*.py")))


def _members(module: ast.Module, enumeration: str) -> Iterator[tuple[str, ast.Call]]:
    """The members of an enumeration of torchvision's weights, as they are written."""
    for node in module.body:
        if isinstance(node, ast.ClassDef) and node.name == enumeration:
            for line in node.body:
                if isinstance(line, ast.Assign) and isinstance(line.value, ast.Call):
                    assert isinstance(line.targets[0], ast.Name)
                    yield line.targets[0].id, line.value


def _of_call(name: str, call: ast.Call) -> Released:
    """``Weights(url="…", meta={…, "_metrics": {"ImageNet-1K": {"acc@1": …}}})``."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    url = str(_literal(given["url"]))
    meta = given["meta"]
    assert isinstance(meta, ast.Dict)
    entries = {_literal(key): value for key, value in zip(meta.keys, meta.values, strict=True)}
    results = entries["_metrics"]
    assert isinstance(results, ast.Dict)
    data, figures = _literal(results.keys[0]), results.values[0]
    assert isinstance(figures, ast.Dict)
    read = {_literal(metric): _literal(value) for metric, value in zip(figures.keys, figures.values, strict=True)}
    metrics = {str(metric): value for metric, value in read.items() if isinstance(value, float)}
    file = url.rpartition("/")[2]
    source = f"torchvision {version('torchvision')}, models.{name}"
    return Released(name, file, url, digits(file), str(data), metrics, source)


def _literal(node: ast.expr | None) -> Any:
    """A constant; ``None`` for what would have to be computed (one figure of VGG's is ``float("nan")``)."""
    return node.value if isinstance(node, ast.Constant) else None


def digits(file: str) -> str:
    """The digits of a SHA-256 that a published file's name ends in; ``""`` where it does not."""
    found = DIGITS.search(file)
    return found[1] if found else ""


def _folder(package: str) -> Path:
    """Where a package is installed; it is not imported."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
