"""Logits and state_dict keys of the ResNets of torchvision and timm: resnets.safetensors, resnets_states.json,
timm_states.json.

    pip install torch torchvision timm safetensors numpy
    python make_resnets.py

resnets.safetensors    <model>/logits_<H>x<W> on the input u("input") of shape 1×3×H×W, in eval mode. No weights are
                       stored: every parameter follows from its name and shape (`parameter` below).
resnets_states.json    {model: {key: shape}} of torchvision's ResNet-18, 34, 50, 101 and 152, in state_dict order.
timm_states.json       The same for timm's resnet18d and resnet50d, whose keys differ. Those of timm's resnet18, 34, 50,
                       101 and 152 are torchvision's, in the same order; this script makes sure of it.

How timm's "d" models differ: the stem is three 3×3 convolutions, conv1.0 (stride 2), conv1.3 and conv1.6, with norms
conv1.1, conv1.4 and bn1 and ReLUs between; a shortcut that changes the size averages 2×2 pixels first (downsample.0;
ceil mode, padding does not count), then projects without stride (downsample.1) and normalises (downsample.2).

Parameters are float32 values; the networks run in float64 and the logits are rounded to float32 once.
"""

import json
import math
import pathlib

import numpy as np
import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parent
PLAIN = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
DEEP_STEM = ["resnet18d", "resnet50d"]


def u(name, count):
    """`count` values in [-1, 1): SplitMix64 seeded by the 64-bit FNV-1a hash of the name."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        z = z ^ z >> np.uint64(31)
    return ((z >> np.uint64(40)).astype(np.float64) / 2**23 - 1).astype(np.float32)


def parameter(name, shape):
    """The value of a parameter or buffer, by its name and shape."""
    values = u(name, math.prod(shape))
    if name.endswith("num_batches_tracked"):
        values = 0 * values
    elif name.endswith("running_var"):
        values = 1 + 0.5 * values
    elif len(shape) >= 2:
        values = values * np.float32(math.sqrt(6 / math.prod(shape[1:])))
    elif name.endswith(("bn2.weight", "bn3.weight")):
        values = 0.25 + 0.0625 * values
    elif name.endswith("weight"):
        values = 1 + 0.25 * values
    else:
        values = 0.1 * values
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def logits(network, height, width):
    state = {key: parameter(key, tuple(tensor.shape)).to(tensor.dtype) for key, tensor in network.state_dict().items()}
    network.load_state_dict(state)
    image = torch.from_numpy(u("input", 3 * height * width).reshape(1, 3, height, width))
    with torch.no_grad():
        result = network.double().eval()(image.double()).float()
    assert result.isfinite().all()
    return result


def states(networks):
    return {name: {key: list(tensor.shape) for key, tensor in network.state_dict().items()}
            for name, network in networks.items()}


def write_states(path, states):
    """One line a key: compact, and a change shows as one."""
    models = []
    for model, state in states.items():
        keys = [f'"{key}":{json.dumps(shape, separators=(",", ":"))}' for key, shape in state.items()]
        models.append(f'"{model}":{{\n' + ",\n".join(keys) + "\n}")
    path.write_text("{\n" + ",\n".join(models) + "\n}\n")


if __name__ == "__main__":
    plain = {name: getattr(torchvision.models, name)(weights=None) for name in PLAIN}
    deep_stem = {name: timm.create_model(name, pretrained=False) for name in DEEP_STEM}

    # The rule, checked against the numbers that came with its description.
    given = load_file(HERE.parent / "reference" / "torchvision_resnets.safetensors")
    for name in ("resnet18", "resnet50"):
        torch.testing.assert_close(logits(plain[name], 64, 96), given[f"{name}/logits"], rtol=0,
                                   atol=1e-5 * given[f"{name}/logits"].abs().max().item())

    results = {}
    for name in PLAIN + DEEP_STEM:
        network = (plain | deep_stem)[name].float()
        if name not in ("resnet18", "resnet50"):
            results[f"{name}/logits_64x64"] = logits(network, 64, 64)
        if name in ("resnet18", "resnet50d"):
            results[f"{name}/logits_65x97"] = logits(network, 65, 97)  # odd at every stage
    save_file(results, HERE / "resnets.safetensors")
    (HERE / "resnets.safetensors").chmod(0o644)

    spelled = states(plain)
    for name, state in states({name: timm.create_model(name, pretrained=False) for name in PLAIN}).items():
        assert list(state.items()) == list(spelled[name].items()), name
    write_states(HERE / "resnets_states.json", spelled)
    write_states(HERE / "timm_states.json", states(deep_stem))
    for name, result in results.items():
        print(name, f"mean |logit| {result.abs().mean():.3f}, largest {result.abs().max():.3f}")
