"""Tiny data sets in the layouts of their publishers, with as many files as published, and where the real ones are."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image

REAL_ROOT = Path(os.environ.get("CLAIMS_DATA_ROOT") or Path(__file__).parents[1].parent / "shared" / "data")
"""Where the real data sets are, if they are anywhere."""

HEIGHT, WIDTH = 12, 16

VOC_PALETTE = [
    channel
    for number in range(256)
    for channel in (
        int("".join(str(number >> (3 * bit) & 1) for bit in range(3)).ljust(8, "0"), 2),
        int("".join(str(number >> (3 * bit + 1) & 1) for bit in range(3)).ljust(8, "0"), 2),
        int("".join(str(number >> (3 * bit + 2) & 1) for bit in range(3)).ljust(8, "0"), 2),
    )
]
"""VOC's colours as its development kit makes them, red, green and blue of each number in turn."""

ANNOTATED = (2, 4)
"""Frames of a tiny DME volume that hold an image and annotations."""


def photograph(rng: np.random.Generator) -> Image.Image:
    return Image.fromarray(rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))


def vessels(rng: np.random.Generator) -> Image.Image:
    return Image.fromarray(rng.choice(np.array([0, 255], np.uint8), (HEIGHT, WIDTH), p=(0.8, 0.2)))


def _save(image: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        buffer = io.BytesIO()
        image.save(buffer, "PPM")
        path.write_bytes(gzip.compress(buffer.getvalue()))
    else:
        image.save(path)


def dme(root: Path, rng: np.random.Generator) -> None:
    base = root / "2015_BOE_Chiu"
    base.mkdir(parents=True)
    for number in range(1, 11):
        shape = (HEIGHT, WIDTH, 6)
        images = np.zeros(shape, np.uint8)
        experts = [np.full(shape, np.nan, np.float32) for _ in range(2)]
        for frame in ANNOTATED:
            images[:, :, frame] = rng.integers(1, 200, shape[:2])
            for expert in experts:
                expert[:, :, frame] = rng.choice([0, 1, 7], shape[:2], p=(0.8, 0.1, 0.1))
        content = {"images": images, "manualFluid1": experts[0], "manualFluid2": experts[1]}
        scipy.io.savemat(base / f"Subject_{number:02d}.mat", content, do_compression=number % 2 == 0)


def drive(root: Path, rng: np.random.Generator) -> None:
    for folder, first in (("training", 21), ("test", 1)):
        for number in range(first, first + 20):
            base = root / "DRIVE" / folder
            _save(photograph(rng), base / "images" / f"{number:02d}_{folder}.tif")
            _save(vessels(rng), base / "1st_manual" / f"{number:02d}_manual1.gif")


def chase_db1(root: Path, rng: np.random.Generator) -> None:
    for number in range(1, 15):
        for eye in "LR":
            stem = f"Image_{number:02d}{eye}"
            _save(photograph(rng), root / "CHASEDB1" / f"{stem}.jpg")
            for observer in ("1stHO", "2ndHO"):
                _save(vessels(rng).convert("1"), root / "CHASEDB1" / f"{stem}_{observer}.png")


def stare(root: Path, rng: np.random.Generator) -> None:
    for number in range(20):
        ending = ".gz" if number % 2 else ""
        _save(photograph(rng), root / "STARE" / "stare-images" / f"im{number + 1:04d}.ppm{ending}")
        _save(vessels(rng), root / "STARE" / "labels-ah" / f"im{number + 1:04d}.ah.ppm{ending}")
        _save(vessels(rng), root / "STARE" / "labels-vk" / f"im{number + 1:04d}.vk.ppm{ending}")


def hrf(root: Path, rng: np.random.Generator) -> None:
    for number in range(1, 16):
        for group, ending in (("h", "jpg"), ("g", "jpg"), ("dr", "JPG")):
            stem = f"{number:02d}_{group}"
            _save(photograph(rng), root / "HRF" / "images" / f"{stem}.{ending}")
            _save(vessels(rng), root / "HRF" / "manual1" / f"{stem}.tif")


def camvid(root: Path, rng: np.random.Generator) -> None:
    for folder, numbers in (("train", range(367)), ("val", range(367, 468))):
        for number in numbers:
            stem = f"{('0001TP', '0006R0', 'Seq05VD')[number % 3]}_{number:06d}"
            labels = Image.fromarray(rng.integers(0, 12, (HEIGHT, WIDTH), dtype=np.uint8))
            _save(photograph(rng), root / "CamVid" / folder / f"{stem}.png")
            _save(labels, root / "CamVid" / f"{folder}annot" / f"{stem}.png")


def cityscapes(root: Path, rng: np.random.Generator, counts: tuple[int, int] = (4, 2)) -> None:
    """With far fewer images than published: its adapter is given their number."""
    for folder, count, city in (("train", counts[0], "aachen"), ("val", counts[1], "lindau")):
        for number in range(count):
            stem = f"{city}/{city}_{number:06d}_000019"
            labels = Image.fromarray(rng.integers(0, 34, (HEIGHT, WIDTH), dtype=np.uint8))
            _save(photograph(rng), root / "leftImg8bit" / folder / f"{stem}_leftImg8bit.png")
            _save(labels, root / "gtFine" / folder / f"{stem}_gtFine_labelIds.png")


GRADED = {
    "1 - No DR": (*range(1, 139), 299, 300),
    "2 - Mild DR without maculopathy": range(139, 175),
    "3 - Mild DR with maculopathy": range(175, 188),
    "4 - Moderate DR without maculopathy": range(188, 230),
    "5 - Moderate DR with maculopathy": range(230, 271),
    "6 - Severe DR without maculopathy": range(271, 281),
    "7 - Severe DR with maculopathy": range(281, 287),
    "8 - PDR without maculopathy": range(287, 290),
    "9 - PDR with maculopathy": range(290, 295),
    "10 - ADED": range(295, 299),
}
"""Patients by class folder; 299 and 300 are those with contradicting labels."""


def dr_rahim(root: Path, rng: np.random.Generator) -> None:
    for folder, patients in GRADED.items():
        base = root / "dr_rahim" / folder
        base.mkdir(parents=True)
        for patient in patients:
            content = io.BytesIO()
            photograph(rng).save(content, "JPEG")
            for eye in "LR":
                # One file's name has another dash, as published.
                dash = "-" if (patient, eye) == (254, "R") else "_"
                (base / f"Patient{patient:03d}{dash}{eye}.jpg").write_bytes(content.getvalue())


def lump(rng: np.random.Generator) -> Image.Image:
    """A white rectangle on black, somewhere, whose sides are multiples of 8: exact after JPEG too."""
    mask = np.zeros((24, 32), np.uint8)
    top, left = 8 * rng.integers(0, 2), 8 * rng.integers(0, 3)
    mask[top : top + 8, left : left + 16] = 255
    return Image.fromarray(mask)


def picture(rng: np.random.Generator) -> Image.Image:
    return Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))


def kvasir_seg(root: Path, rng: np.random.Generator) -> None:
    base = root / "Kvasir-SEG"
    for number in range(FEW["kvasir_seg"][""]):
        _save(picture(rng), base / "images" / f"cju{number}.jpg")
        _save(lump(rng).convert("RGB"), base / "masks" / f"cju{number}.jpg")
    (base / "kavsir_bboxes.json").write_text("{}")


def oxford_iiit_pet(root: Path, rng: np.random.Generator) -> None:
    """With what else the archive holds: unlisted images, AppleDouble files and MATLAB files."""
    base = root / "oxford-iiit-pet"
    names = [f"{breed}_{number}" for breed in ("Abyssinian", "american_bulldog") for number in range(1, 5)]
    for name in names:
        _save(picture(rng), base / "images" / f"{name}.jpg")
        trimap = Image.fromarray(rng.integers(1, 4, (24, 32), dtype=np.uint8))
        _save(trimap, base / "annotations" / "trimaps" / f"{name}.png")
        (base / "annotations" / "trimaps" / f"._{name}.png").write_bytes(b"\0\5\x16\7")
    (base / "images" / "Abyssinian_100.mat").write_bytes(b"MATLAB")
    lists = {"trainval.txt": names[:2] + names[4:6], "test.txt": names[2:3] + names[6:7]}
    for file, listed in lists.items():
        lines = [f"{name} {1 + name.startswith('am')} 1 1\n" for name in listed]
        (base / "annotations" / file).write_text("".join(lines))


def isic2018(root: Path, rng: np.random.Generator) -> None:
    for number in range(FEW["isic2018"][""]):
        stem = f"ISIC_{number:07d}"
        _save(picture(rng), root / "ISIC2018_Task1-2_Training_Input" / f"{stem}.jpg")
        _save(lump(rng), root / "ISIC2018_Task1_Training_GroundTruth" / f"{stem}_segmentation.png")
    for folder in ("ISIC2018_Task1-2_Training_Input", "ISIC2018_Task1_Training_GroundTruth"):
        (root / folder / "LICENSE.txt").write_text("CC-0")


def mas3k(root: Path, rng: np.random.Generator) -> None:
    for part, count in FEW["mas3k"].items():
        for number in range(count):
            _save(picture(rng), root / "MAS3K" / part / "Image" / f"MAS_Crab_{number}.jpg")
            _save(lump(rng), root / "MAS3K" / part / "Mask" / f"MAS_Crab_{number}.png")


FEW: dict[str, dict[str, int]] = {
    "kvasir_seg": {"": 6},
    "oxford_iiit_pet": {"train": 4, "test": 2},
    "isic2018": {"": 5},
    "mas3k": {"train": 4, "test": 3},
}
"""Images by published split of tiny data sets with far fewer than published: their adapters are given these counts."""


FEW_WRITERS: dict[str, Callable[[Path, np.random.Generator], None]] = {
    "kvasir_seg": kvasir_seg,
    "oxford_iiit_pet": oxford_iiit_pet,
    "isic2018": isic2018,
    "mas3k": mas3k,
}


def voc2012(root: Path, rng: np.random.Generator) -> None:
    """With images of several sizes, one that no list names, and masks of a palette, of numbers and of colours."""
    base = root / "VOCdevkit" / "VOC2012"
    names = [f"2007_{number:06d}" for number in range(6)]
    kinds = ("P", "P", "L", "RGB", "P", "P")
    for number, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        size = (12 + 4 * (number % 2), 16)
        image = Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8))
        _save(image, base / "JPEGImages" / f"{name}.jpg")
        stored = rng.choice(np.array([*range(21), 255], np.uint8), size)
        mask = Image.fromarray(stored)
        if kind != "L":
            mask.putpalette(VOC_PALETTE)
        _save(mask.convert("RGB") if kind == "RGB" else mask, base / "SegmentationClass" / f"{name}.png")
    lists = {"train": names[:3], "val": names[3:5], "trainval": names[:5]}
    for name, listed in lists.items():
        path = base / "ImageSets" / "Segmentation" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{stem}\n" for stem in listed))


def ade20k(root: Path, rng: np.random.Generator) -> None:
    base = root / "ADEChallengeData2016"
    for folder, part, count in (("training", "train", 4), ("validation", "val", 2)):
        for number in range(1, count + 1):
            stem = f"ADE_{part}_{number:08d}"
            labels = Image.fromarray(rng.integers(0, 151, (HEIGHT, WIDTH), dtype=np.uint8))
            _save(photograph(rng), base / "images" / folder / f"{stem}.jpg")
            _save(labels, base / "annotations" / folder / f"{stem}.png")
    (base / "objectInfo150.txt").write_text("Idx Ratio Train Val Stuff Name\n")


def coco2017(root: Path, rng: np.random.Generator) -> None:
    """Images of several sizes; the first of each part has a square, one in it, a crowd, and the second has nothing."""
    for part, first, count in (("train2017", 9, 4), ("val2017", 1, 2)):
        images, annotations = [], []
        for number in range(first, first + count):
            height, width = 12 + 4 * (number % 2), 16
            name = f"{number:012d}.jpg"
            image = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
            _save(image.convert("L") if number == first + 1 else image, root / "coco" / part / name)
            images.append({"file_name": name, "id": number, "height": height, "width": width})
            if number == first + 1:
                continue
            large = [2.0, 2.0, 12.0, 2.0, 12.0, 10.0, 2.0, 10.0]
            small = [4.0, 4.0, 8.0, 4.0, 8.0, 8.0, 4.0, 8.0]
            crowd = {"size": [height, width], "counts": [height * width - 2 * height, 2 * height]}
            objects = [(18, 16.0, [small], 0), (67, 80.0, [large], 0), (1, 2.0 * height, crowd, 1)]
            for category, area, outline, is_crowd in objects:
                annotations.append(
                    {
                        "segmentation": outline,
                        "area": area,
                        "iscrowd": is_crowd,
                        "image_id": number,
                        "bbox": [0.0, 0.0, 4.0, 4.0],
                        "category_id": category,
                        "id": 100 * number + len(annotations),
                    }
                )
        file = root / "coco" / "annotations" / f"instances_{part}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        categories = [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}, {"id": 67, "name": "dining table"}]
        content = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
        file.write_text(json.dumps(content) + "\n")


def imagenet(root: Path, rng: np.random.Generator, classes: tuple[str, ...] = ("n01", "n02", "n10")) -> None:
    """With images of two sizes, one of them grey, and what else lies in such folders."""
    for part, count in (("train", 3), ("val", 1)):
        for name in classes:
            for number in range(count):
                size = (12 + 4 * (number % 2), 16, 3)
                image = Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8))
                path = root / "imagenet" / part / name / f"{name}_{number}.JPEG"
                _save(image.convert("L") if number == 2 else image, path)
    (root / "imagenet" / "train" / classes[0] / ".DS_Store").write_bytes(b"Mac")
    (root / "imagenet" / "LOC_synset_mapping.txt").write_text("n01 tench")


def _table(path: Path, header: str, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines, ""]))


def deepdrid(root: Path, rng: np.random.Generator) -> None:
    """With images of two sizes, one patient whose names and grades disagree, and the names that the publisher gave."""
    base = root / "regular_fundus_images"
    header = (
        "patient_id,image_id,image_path,Overall quality,left_eye_DR_Level,right_eye_DR_Level,patient_DR_Level,"
        "Clarity,Field definition,Artifact"
    )
    first = 10
    for folder, count in DEEPDRID.items():
        lines: list[str] = []
        patients = [str(first + number) for number in range(count)]
        first += count
        misnamed = ["56"] if folder == "regular-fundus-training" else []
        for patient in [*patients, *misnamed]:
            names = ("l1", "r3", "l3", "r2") if patient in misnamed else ("l1", "l2", "r1", "r2")
            grades = [str(grade) for grade in rng.integers(0, 5, 2)]
            for place, name in enumerate(names):
                id, grade = f"{patient}_{name}", grades[place // 2]
                size = (12 + 4 * (place % 2), 16)
                image = Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8))
                _save(image, base / folder / "Images" / patient / f"{id}.jpg")
                if "Challenge" in folder:
                    lines.append(f"{id},{grade}")
                else:
                    eyes = f"{grade},,4" if place < 2 else f",{grade},4"
                    lines.append(f"{patient},{id},\\{folder}\\{patient}\\{id}.jpg,1,{eyes},10,8,0")
        if "Challenge" in folder:
            _table(base / folder / "Challenge1_labels.csv", "image_id,DR_Levels", lines)
            _table(base / folder / "Challenge1_upload.csv", "image_id,DR_Level", [])
        else:
            _table(base / folder / f"{folder}.csv", header, lines)


DEEPDRID = {"regular-fundus-training": 4, "regular-fundus-validation": 2, "Online-Challenge1&2-Evaluation": 2}
"""Patients by folder of the tiny DeepDRiD, fewer than published, numbered from 10 on."""


def aptos2019(root: Path, rng: np.random.Generator) -> None:
    """As the competition extracts, with its unlabelled test images."""
    base = root / "aptos2019-blindness-detection"
    ids = [f"{number:012x}" for number in rng.integers(0, 2**48, APTOS2019)]
    for number, id in enumerate(ids):
        size = (12 + 4 * (number % 2), 16, 3)
        _save(Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)), base / "train_images" / f"{id}.png")
    _table(base / "train.csv", "id_code,diagnosis", [f"{id},{number % 5}" for number, id in enumerate(ids)])
    _save(photograph(rng), base / "test_images" / "0005cfc8afb6.png")
    _table(base / "test.csv", "id_code", ["0005cfc8afb6"])


APTOS2019 = 7
"""Images of the tiny APTOS 2019."""


MANY: dict[str, dict[str, int]] = {
    "voc2012": {"train": 3, "test": 2},
    "ade20k": {"train": 4, "test": 2},
    "coco2017": {"train": 4, "test": 2},
    "imagenet": {"train": 9, "test": 3},
}
"""As :data:`FEW`, of data sets of many classes."""

MANY_WRITERS: dict[str, Callable[[Path, np.random.Generator], None]] = {
    "voc2012": voc2012,
    "ade20k": ade20k,
    "coco2017": coco2017,
    "imagenet": imagenet,
}

WRITERS: dict[str, Callable[[Path, np.random.Generator], None]] = {
    "dme": dme,
    "drive": drive,
    "chase_db1": chase_db1,
    "stare": stare,
    "hrf": hrf,
    "camvid": camvid,
    "cityscapes": cityscapes,
    "dr_rahim": dr_rahim,
}
