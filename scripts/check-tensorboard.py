"""Sees that TensorBoard opens what `segkernels train` writes: scripts/check-tensorboard.py SEGKERNELS

Trains a few steps on the demonstration's pictures, reads the events with TensorBoard's own reader, and compares them
with metrics.jsonl. TensorBoard is installed in .build-tensorboard by the first run.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOME = ROOT / ".build-tensorboard"
PACKAGE = "tensorboard==2.21.0"
FOLDERS = {"image": "images", "labels": "labels"}


def prepare():
    stamp = HOME / "package.txt"
    if not stamp.exists() or stamp.read_text() != PACKAGE:
        venv.create(HOME, with_pip=True, clear=True, symlinks=True)
        subprocess.run([HOME / "bin" / "pip", "install", "--quiet", PACKAGE], check=True)
        stamp.write_text(PACKAGE)


def train(segkernels, folder):
    def run(*arguments):
        subprocess.run([segkernels, *map(str, arguments)], check=True, cwd=folder, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    run("demo", "--out", "demo")
    for kind in FOLDERS:
        (folder / "data" / FOLDERS[kind]).mkdir(parents=True)
        for file in (folder / "demo").glob(f"*_{kind}.png"):
            stem = file.name.removesuffix(f"_{kind}.png")
            file.rename(folder / "data" / FOLDERS[kind] / f"{stem}.png")
    (folder / "data" / "classes.txt").write_text("".join(f"class {number}\n" for number in range(19)))
    run("train", "--recipe", "streets-ffnet22S-half", "--out", "run", "--set", "data.kind=folder", "--set",
        f"data.root={folder / 'data'}", "--set", "steps=5", "--set", "batch=2", "--set", "augment.crop=[64, 96]", "--set",
        "validateEvery=2", "--set", "samplesEvery=2")
    return folder / "run"


def compare(run):
    """Run by the environment's Python, which has TensorBoard."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator, IMAGES

    events = EventAccumulator(str(run), size_guidance={IMAGES: 0})
    events.Reload()
    found = {tag: {event.step: event.value for event in events.Scalars(tag)} for tag in events.Tags()["scalars"]}
    wanted = {"loss": {}, "learning rate": {}}
    for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()):
        names = {"loss": line.get("loss"), "learning rate": line.get("learningRate"), **line.get("scores", {})}
        for name, value in names.items():
            if value is not None:
                wanted.setdefault(name, {})[line["step"]] = value
    assert found.keys() == wanted.keys(), (found.keys(), wanted.keys())
    for name, numbers in wanted.items():
        assert found[name].keys() == numbers.keys(), (name, found[name], numbers)
        for step, number in numbers.items():
            assert abs(found[name][step] - number) <= 1e-6 * abs(number), (name, step, found[name][step], number)
    pictures = events.Tags()["images"]
    assert pictures, "no pictures"
    for tag in pictures:
        for picture in events.Images(tag):
            data = picture.encoded_image_string
            size = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
            assert data[:8] == b"\x89PNG\r\n\x1a\n" and size == (picture.width, picture.height), (tag, size)
    steps = sorted({picture.step for picture in events.Images(pictures[0])})
    assert steps == [2, 4, 5], steps
    print(f"TensorBoard reads {sum(map(len, found.values()))} numbers of {sorted(found)} and pictures {pictures} at {steps}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--compare"]:
        compare(pathlib.Path(sys.argv[2]))
    else:
        prepare()
        with tempfile.TemporaryDirectory() as place:
            run = train(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(place))
            subprocess.run([HOME / "bin" / "python", __file__, "--compare", run], check=True)
