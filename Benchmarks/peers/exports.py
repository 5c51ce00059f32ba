"""What `segkernels export` writes, run by others: `exports.py --segkernels PROGRAM [MODEL …]` prints a Markdown table.

Exports models with seeded random weights, for images of one size and of any; checks each file by onnx.checker, runs it by
ONNX Runtime and OpenVINO (all), and ncnn by way of pnnx (all but `WITHOUT_NCNN`), and fails where an output differs from that of
`segkernels run` by more than 1e-4 of the largest. Needs what requirements.txt lists; `scripts/check` installs it.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import sysconfig
import tempfile

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import save_file

TOLERANCE = 1e-4
# One or two of each family, and the sizes that they are exported at.
MODELS = {
    "ffnet78S_dBBB_mobile": (128, 256), "ffnet40S_BBB_mobile": (128, 256), "ffnet22S_half_BCC": (128, 256),
    "ffnet101_dAAA": (128, 256), "ifa_resnet18": (128, 256), "ifa_aspp_resnet50": (128, 256), "hrnet18": (128, 256),
    "hrnet16slim": (128, 256), "ocrnet48": (128, 256), "hmsocrnet48": (128, 256), "hs3fuse_hrnet18": (128, 256),
    "panoptic_deeplab_resnet18": (128, 256), "panoptic_deeplab_hrnet48": (128, 256), "pisr_deeplab_resnet18": (128, 256),
    "pisr_deeplab_hrnet48": (128, 256), "maskformer_resnet18": (128, 256), "multitask_hrnet18": (128, 256),
    "monodepth2_resnet18": (128, 256), "monodepth2_resnet50": (128, 256), "resnet50": (64, 96),
}
# pnnx writes an operator that ncnn has not: slices by computed places, comparisons.
WITHOUT_NCNN = ("ifa", "pisr", "monodepth2")
# Fresh networks make numbers of 10⁴. Where a soft-max or a sigmoid of those follows, the result hangs on the last bit of
# the image (by 10⁻⁴ to 10⁻²). These get a quieter image, or a quieter first layer where the network moves its image.
QUIET_IMAGE, QUIET_LAYER = ("hs3fuse",), ("monodepth2",)


def run(*arguments):
    done = subprocess.run([str(part) for part in arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError((done.stderr or done.stdout).strip().splitlines()[-1][:200])
    return done.stdout


def difference(y, reference):
    if y.shape != reference.shape:
        raise RuntimeError(f"shape {y.shape}, expected {reference.shape}")
    return float(abs(y - reference).max() / abs(reference).max())


def by_onnxruntime(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def by_openvino(path, x):
    import openvino

    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled.create_infer_request().infer({0: x})[0]


def by_ncnn(path, x):
    import ncnn

    shape = ",".join(map(str, x.shape))
    subprocess.run([os.path.join(sysconfig.get_path("scripts"), "pnnx"), path.name, f"inputshape=[{shape}]", "fp16=0",
                    "ncnnparam=net.param", "ncnnbin=net.bin"], cwd=path.parent, capture_output=True, check=True)
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    if net.load_param(str(path.parent / "net.param")) or net.load_model(str(path.parent / "net.bin")):
        raise RuntimeError("ncnn cannot load the network that pnnx wrote")
    extractor = net.create_extractor()
    extractor.input("in0", ncnn.Mat(x[0]))
    return np.array(extractor.extract("out0")[1])[None]


def sensible(segkernels, model, size, folder):
    """Fresh weights of a model whose gates (`gamma`, fresh: 0) let through what they stand before, and whose first layer is
    quiet where that is asked for; None where neither is to be done."""
    path = folder / "fresh.onnx"
    run(segkernels, "export", "--model", model, "--fresh", 0, "--size", "{}x{}".format(*size), "--force", path)
    weights = {one.name: onnx.numpy_helper.to_array(one) for one in onnx.load(str(path)).graph.initializer
               if not one.name.startswith(("made.", "value."))}
    gates = [name for name in weights if name.endswith("gamma")]
    for name in gates:
        weights[name] = np.full_like(weights[name], 3)
    if model.startswith(QUIET_LAYER):
        weights["encoder.conv1.weight"] = weights["encoder.conv1.weight"] * np.float32(1e-4)
        # What inference does not need is not in the file.
        for index, channels in [(11, 32), (12, 64), (13, 128)]:
            weights[f"decoder.{index}.conv.weight"] = np.zeros((1, channels, 3, 3), np.float32)
            weights[f"decoder.{index}.conv.bias"] = np.zeros(1, np.float32)
        for name in [name for name in weights if name.endswith("running_var")]:
            weights[name.replace("running_var", "num_batches_tracked")] = np.zeros((), np.int64)
    elif not gates:
        return None
    save_file(weights, folder / "weights.safetensors")
    return folder / "weights.safetensors"


def check(segkernels, model, size, engines, folder):
    """The cells of a row: of each engine the difference, or why there is none."""
    height, width = size
    path, cells = folder / "net.onnx", []
    weights = sensible(segkernels, model, size, folder)
    drawn, loaded = (["--weights", weights], ["--weights", weights]) if weights else (["--fresh", 0], [])
    for is_open in [False, True]:
        # A file of any size is asked for another one than it was captured for, and two images.
        shape = (2, 3, height + 128, width + 128) if is_open else (1, 3, height, width)
        x = np.random.default_rng(7).standard_normal(shape).astype(np.float32)
        x *= np.float32(1e-4 if model.startswith(QUIET_IMAGE) else 1)
        np.save(folder / "x.npy", x)
        try:
            run(segkernels, "export", "--model", model, *drawn, "--size", f"{height}x{width}", "--force",
                *(["--dynamic"] if is_open else []), path)
            onnx.checker.check_model(str(path), full_check=True)
            run(segkernels, "run", "--model", model, *loaded, "--input", folder / "x.npy", "--output", folder / "y.npy",
                "--force")
            reference = np.load(folder / "y.npy")
        except Exception as error:
            cells.append(str(error).replace("segkernels: ", ""))
            if not is_open:
                return cells + ["–"] * len(engines)
            continue
        for engine in engines if not is_open else [by_onnxruntime]:
            try:
                cells.append(difference(engine(path, x), reference))
            except Exception as error:
                cells.append(str(error).strip().splitlines()[-1][:200])
    return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", help="by default some of every family")
    parser.add_argument("--segkernels", required=True, help="the built command line")
    parser.add_argument("--size", default="128x256")
    options = parser.parse_args()
    segkernels, failed = pathlib.Path(options.segkernels).resolve(), False
    print("| model | ONNX Runtime | OpenVINO | ncnn | any size, ONNX Runtime |\n|---|---|---|---|---|")
    for model in options.models or MODELS:
        size = MODELS.get(model, tuple(map(int, options.size.split("x"))))
        engines = [by_onnxruntime, by_openvino] + ([] if model.startswith(WITHOUT_NCNN) else [by_ncnn])
        with tempfile.TemporaryDirectory() as folder:
            cells = check(segkernels, model, size, engines, pathlib.Path(folder))
        row = cells[:len(engines)] + ["–"] * (3 - len(engines)) + cells[len(engines):]
        failed |= any(not isinstance(cell, float) or cell > TOLERANCE for cell in cells[:len(engines)])
        print(f"| {model} | " + " | ".join(f"{cell:.1e}" if isinstance(cell, float) else cell for cell in row) + " |",
              flush=True)
    if failed:
        sys.exit("an exported model is not what it was")


if __name__ == "__main__":
    main()
