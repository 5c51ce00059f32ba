"""Networks of other packages, imported and run: `architectures.py FOLDER [--segkernels PROGRAM] …` prints a Markdown table.

Exports networks of torchvision and segmentation-models-pytorch with seeded random weights, half of them by PyTorch's older
exporter and half by its newer one; runs each by ONNX Runtime and by `segkernels run`, and fails where the outputs differ by
more than 1e-4 of the largest. With --rounds both are timed as well, in turns, each in a process of its own.

Needs what requirements.txt and requirements-architectures.txt list; `scripts/check` installs them.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOLERANCE = 1e-4

# The package, the network, its encoder; the exporter ("script" or "dynamo") and the opset.
NETWORKS = [
    ("torchvision", "fcn_resnet50", None, "script", 17), ("torchvision", "deeplabv3_resnet50", None, "dynamo", 18),
    ("torchvision", "deeplabv3_mobilenet_v3_large", None, "script", 13),
    ("torchvision", "lraspp_mobilenet_v3_large", None, "dynamo", 18),
    ("smp", "Unet", "resnet18", "script", 11), ("smp", "Unet", "efficientnet-b0", "dynamo", 18),
    ("smp", "UnetPlusPlus", "mobilenet_v2", "script", 17), ("smp", "FPN", "efficientnet-b0", "script", 17),
    ("smp", "PSPNet", "resnet18", "dynamo", 18), ("smp", "DeepLabV3Plus", "mobilenet_v2", "script", 17),
    ("smp", "UPerNet", "resnet18", "dynamo", 18), ("smp", "Linknet", "resnet18", "script", 12),
    ("smp", "MAnet", "resnet18", "dynamo", 18), ("smp", "PAN", "resnet18", "script", 17),
    ("smp", "Segformer", "mit_b0", "script", 17), ("smp", "DPT", "tu-vit_tiny_patch16_224.augreg_in21k", "script", 17),
]


def title(package, name, encoder):
    return name if package == "torchvision" else f"{name}, {encoder.removeprefix('tu-').split('.')[0]}"


def build(package, name, encoder):
    import torch

    torch.manual_seed(12)
    if package == "torchvision":
        from torchvision.models import segmentation

        net = getattr(segmentation, name)(weights=None, weights_backbone=None, num_classes=19)
    else:
        import segmentation_models_pytorch as smp

        net = getattr(smp, name)(encoder, encoder_weights=None, classes=19)

    class Scores(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x):
            y = self.net(x)
            return y["out"] if isinstance(y, dict) else y

    whole = Scores()
    # Norms as training leaves them: fresh ones would be no work to fold.
    for module in whole.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, 0, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    return whole.eval()


def export(network, folder, height, width):
    """net.onnx (and its weights, where they lie apart), input.npy, reference.npy."""
    import numpy as np
    import onnx
    import onnxruntime
    import torch

    package, name, encoder, exporter, opset = network
    folder.mkdir(parents=True, exist_ok=True)
    if name == "DPT":
        height = width = 224
    x = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    path = str(folder / "net.onnx")
    with torch.inference_mode():
        torch.onnx.export(build(package, name, encoder), (x,), path, opset_version=opset, dynamo=exporter == "dynamo",
                          **({"verbose": False} if exporter == "dynamo" else {}))
    onnx.checker.check_model(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    np.save(folder / "input.npy", x.numpy())
    np.save(folder / "reference.npy", session.run(None, {session.get_inputs()[0].name: x.numpy()})[0])
    (folder / "complete").touch()


def difference(folder):
    """The largest difference of two outputs over the largest value."""
    import numpy as np

    ours, theirs = np.load(folder / "output.npy"), np.load(folder / "reference.npy")
    if ours.shape != theirs.shape:
        sys.exit(f"{folder.name}: shape {ours.shape}, expected {theirs.shape}")
    return float(abs(ours - theirs).max() / abs(theirs).max())


def timed(command, environment):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment, cwd=HERE)
    if done.returncode != 0:
        return None
    # Some engines greet on stdout.
    return json.loads(done.stdout[done.stdout.rindex("{"):])["median_seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="where the exported networks are kept")
    parser.add_argument("--segkernels", required=True, help="the built command line")
    parser.add_argument("--size", default="384x768")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=0, help="time this many rounds")
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--networks", nargs="+", help="words that their titles contain; by default all")
    parser.add_argument("--one", type=int, help="export the network of this number and end")
    options = parser.parse_args()
    height, width = map(int, options.size.split("x"))
    root, segkernels = pathlib.Path(options.folder).resolve(), pathlib.Path(options.segkernels).resolve()
    if options.one is not None:
        network = NETWORKS[options.one]
        return export(network, root / title(*network[:3]).replace(", ", "-"), height, width)
    environment = {**os.environ, "SEGKERNELS_THREADS": str(options.threads), "OMP_NUM_THREADS": str(options.threads)}
    rows, failed = [], []
    for number, network in enumerate(NETWORKS):
        name = title(*network[:3])
        if options.networks and not any(word in name for word in options.networks):
            continue
        folder = root / name.replace(", ", "-")
        if not (folder / "complete").exists():
            # A process each, so that no exporter leaves anything to the next.
            done = subprocess.run([sys.executable, __file__, root, "--segkernels", segkernels, "--size", options.size,
                                   "--one", str(number)], capture_output=True, text=True)
            if done.returncode != 0:
                failed.append(f"{name}: export failed: {done.stderr.strip().splitlines()[-1][:300]}")
                continue
        ran = subprocess.run([segkernels, "run", "--model", folder / "net.onnx", "--input", folder / "input.npy", "--output",
                              folder / "output.npy", "--force"], capture_output=True, text=True, env=environment)
        if ran.returncode != 0:
            failed.append(f"{name}: {ran.stderr.strip()[-400:]}")
            continue
        error = difference(folder)
        if not error <= TOLERANCE:
            failed.append(f"{name}: differs by {error:.1e}")
        seconds = {"ours": [], "theirs": []}
        size = (224, 224) if network[1] == "DPT" else (height, width)
        for turn in range(options.rounds):
            commands = {
                "ours": [segkernels, "bench", "--model", folder / "net.onnx", "--height", size[0], "--width", size[1],
                         "--threads", options.threads, "--iterations", options.iterations, "--json"],
                "theirs": [sys.executable, HERE / "engines.py", "run", "onnxruntime", folder, "--threads",
                           options.threads, "--iterations", options.iterations],
            }
            for who in sorted(commands, reverse=turn % 2 == 1):
                seconds[who].append(timed(commands[who], environment))
        row = f"| {name} | {network[3]}, {network[4]} | {error:.1e} |"
        if options.rounds and None not in seconds["ours"] + seconds["theirs"]:
            ours, theirs = (statistics.median(seconds[who]) * 1000 for who in ["ours", "theirs"])
            ratio = statistics.median(b / a for a, b in zip(seconds["ours"], seconds["theirs"]))
            row += f" {ours:.0f} | {theirs:.0f} | {ratio:.2f} |"
        rows.append(row)
        print(row, file=sys.stderr, flush=True)
    more = " SegKernels, ms | ONNX Runtime, ms | theirs / ours |" if options.rounds else ""
    print(f"| network | exporter, opset | difference |{more}")
    print("|---" * (3 + 3 * bool(options.rounds)) + "|")
    print("\n".join(rows))
    if failed:
        sys.exit("\n".join(["failed:"] + failed))


if __name__ == "__main__":
    main()
