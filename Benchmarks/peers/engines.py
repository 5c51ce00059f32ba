"""The engines, each run in a process of its own: `engines.py run ENGINE FOLDER …` prints one JSON object.

A process loads a network from the files that `export.py` wrote, runs it twice untimed and then as often as asked, and
reports the times, the most memory that it held, and the engine's version. What it imports is that engine and numpy.
"""

import argparse
import json
import os
import statistics
import sys
import time

import numpy as np


class Unavailable(Exception):
    """Why an engine cannot run here."""


def pytorch(folder, threads, layout):
    import torch

    from ffnet import random_ffnet

    torch.set_num_threads(threads)
    layout = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    net = random_ffnet(os.path.basename(folder).rsplit("-", 1)[0]).to(memory_format=layout)

    def run(x):
        with torch.inference_mode():
            return net(torch.from_numpy(x).to(memory_format=layout)).contiguous().numpy()

    return run, torch.__version__.split("+")[0]


def onnxruntime(folder, threads, _):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = ort.InferenceSession(f"{folder}/net.onnx", options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0], ort.__version__


def openvino(folder, threads, precision):
    import openvino as ov

    core = ov.Core()
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise Unavailable("OpenVINO does not list bf16 among this CPU's capabilities (needs AVX-512 or AMX)")
    compiled = core.compile_model(f"{folder}/net.onnx", "CPU", {
        "INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    return lambda x: request.infer({0: x})[0], ov.__version__.split("-")[0]


def ncnn(folder, threads, _):
    import ncnn as nc

    net = nc.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = False
    # Everything in f32, as the others.
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    if net.load_param(f"{folder}/net.ncnn.param") or net.load_model(f"{folder}/net.ncnn.bin"):
        raise Unavailable("ncnn cannot load the network that pnnx wrote")

    def run(x):
        extractor = net.create_extractor()
        extractor.input("in0", nc.Mat(x[0]))
        return np.array(extractor.extract("out0")[1])[None]

    return run, nc.__version__


def mnn(folder, threads, _):
    import MNN

    interpreter = MNN.Interpreter(f"{folder}/net.mnn")
    session = interpreter.createSession({"backend": "CPU", "numThread": threads, "precision": "high"})
    source, target = interpreter.getSessionInput(session), interpreter.getSessionOutput(session)

    def run(x):
        source.copyFrom(MNN.Tensor(x.shape, MNN.Halide_Type_Float, x, MNN.Tensor_DimensionType_Caffe))
        interpreter.runSession(session)
        y = np.empty(target.getShape(), np.float32)
        host = MNN.Tensor(y.shape, MNN.Halide_Type_Float, y, MNN.Tensor_DimensionType_Caffe)
        target.copyToHostTensor(host)
        return np.array(host.getNumpyData(), np.float32).reshape(y.shape)

    return run, MNN.version()


def pytorch_training(name, shape, threads, layout):
    """A step of SGD with momentum: forward, logits enlarged to the labels, cross entropy, backward, update."""
    import torch
    import torch.nn.functional as F

    from ffnet import random_ffnet

    torch.set_num_threads(threads)
    layout = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    net = random_ffnet(name).to(memory_format=layout).train()
    x = torch.randn(*shape).to(memory_format=layout)
    labels = torch.randint(0, 19, (shape[0], *shape[2:]))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)

    def step(_):
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(F.interpolate(net(x), size=labels.shape[1:], mode="bilinear"), labels).backward()
        optimizer.step()

    return step, torch.__version__.split("+")[0]


# The name that tables show, what makes the runner, and its choice.
ENGINES = {
    "pytorch-nchw": ("PyTorch", pytorch, "nchw"),
    "pytorch-channels_last": ("PyTorch", pytorch, "channels_last"),
    "onnxruntime": ("ONNX Runtime", onnxruntime, None),
    "openvino": ("OpenVINO f32", openvino, "f32"),
    "openvino-bf16": ("OpenVINO bf16", openvino, "bf16"),
    "ncnn": ("ncnn", ncnn, None),
    "mnn": ("MNN", mnn, None),
}


def peak_resident_bytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def measure(run, x, iterations):
    seconds = []
    for index in range(iterations + 2):
        start = time.perf_counter()
        y = run(x)
        if index >= 2:
            seconds.append(time.perf_counter() - start)
    return y, statistics.median(seconds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["run", "train"])
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("network", help="a folder of exported files; for training a name")
    parser.add_argument("--shape", type=int, nargs=4, help="of the images, for training")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--iterations", type=int, required=True)
    parser.add_argument("--output", help="write the network's output there")
    options = parser.parse_args()
    _, make, choice = ENGINES[options.engine]
    try:
        if options.what == "train":
            x = None
            run, version = pytorch_training(options.network, options.shape, options.threads, choice)
        else:
            x = np.load(f"{options.network}/input.npy")
            run, version = make(options.network, options.threads, choice)
        y, median = measure(run, x, options.iterations)
    except (Unavailable, ImportError) as error:
        return json.dump({"unavailable": str(error)}, sys.stdout)
    peak = peak_resident_bytes()
    if options.output:
        np.save(options.output, y)
    json.dump({"median_seconds": median, "peak_rss_bytes": peak, "version": version}, sys.stdout)


if __name__ == "__main__":
    main()
