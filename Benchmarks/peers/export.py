"""Writes a network with random weights in the formats that the engines read: `export.py NAME HEIGHT WIDTH FOLDER`.

weights.safetensors and input.npy for SegKernels, net.onnx for ONNX Runtime and OpenVINO, net.mnn, net.ncnn.*.
"""

import os
import pathlib
import subprocess
import sys
import sysconfig

import numpy as np
import torch
from safetensors.torch import save_file

from ffnet import random_ffnet


def tool(*arguments, folder):
    """Runs a converter of the virtual environment; its words are shown only if it fails."""
    path = os.path.join(sysconfig.get_path("scripts"), arguments[0])
    done = subprocess.run([path, *arguments[1:]], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"{arguments[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}", file=sys.stderr)


def main():
    name, height, width, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    os.makedirs(folder, exist_ok=True)
    net = random_ffnet(name)
    x = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    np.save(f"{folder}/input.npy", x.numpy())
    save_file({key: value for key, value in net.state_dict().items() if not key.endswith("num_batches_tracked")},
              f"{folder}/weights.safetensors")
    with torch.inference_mode():
        torch.onnx.export(net, (x,), f"{folder}/net.onnx", dynamo=False, input_names=["x"], output_names=["y"])
        torch.jit.trace(net, x).save(f"{folder}/net.pt")
    tool("pnnx", "net.pt", f"inputshape=[1,3,{height},{width}]", "fp16=0", "ncnnparam=net.ncnn.param",
         "ncnnbin=net.ncnn.bin", folder=folder)
    tool("mnnconvert", "-f", "ONNX", "--modelFile", "net.onnx", "--MNNModel", "net.mnn", folder=folder)
    for leftover in ["net.pt", *(path.name for path in pathlib.Path(folder).glob("net*pnnx*")), "net_ncnn.py"]:
        pathlib.Path(folder, leftover).unlink(missing_ok=True)
    open(f"{folder}/complete", "w").close()


if __name__ == "__main__":
    main()
