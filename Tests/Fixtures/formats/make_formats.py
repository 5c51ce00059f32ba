#!/usr/bin/env python3
"""Makes the small files of this folder with the formats' own libraries, and expected.json from the arrays in memory.

Needs torch, numpy and safetensors; run it here: `python3 make_formats.py`. The legacy streams differ in each run, in
storage keys that are addresses. Floats in expected.json are exact decimal forms of the 32-bit value that a reader
should give; "nan", "inf", "-inf" and "-0.0" are spelled as strings.
"""
import collections
import json
import math
import os

import numpy as np
import safetensors.torch
import torch
from torch import nn

os.chdir(os.path.dirname(os.path.abspath(__file__)))
torch.manual_seed(7)
expected = {}


def value(x):
    x = float(np.float32(x))
    return x if math.isfinite(x) and str(x) != "-0.0" else str(x)


def described(array):
    a = torch.as_tensor(array) if not isinstance(array, np.ndarray) else array
    if isinstance(a, torch.Tensor):
        is_float = a.is_floating_point()
        flat = a.detach().to(torch.float64 if is_float else torch.int64).flatten().tolist()
    else:
        is_float = a.dtype.kind == "f"
        flat = a.astype("f8" if is_float else "i8").flatten().tolist()
    with np.errstate(over="ignore"):
        values = [value(x) for x in flat] if is_float else [int(x) for x in flat]
    return {"kind": "float" if is_float else "integer", "shape": list(a.shape), "values": values}


def expect(file, arrays, metadata=None, wrapper=None, left_out=()):
    expected[file] = {
        "arrays": [dict(name=name, **described(a)) for name, a in arrays],
        "metadata": metadata or {}, "wrapper": wrapper, "leftOut": list(left_out),
    }


specials = torch.tensor([0.0, -0.0, 1.0, -2.5, 65504.0, 6e-8, 6.1e-5, math.inf, -math.inf, math.nan])
base = torch.arange(24, dtype=torch.float32) * 0.5 - 3
types = collections.OrderedDict(
    fp32=torch.randn(2, 3, 4), fp16=specials.half(), bf16=torch.tensor([1.0, -0.1, 3e38, 1e-40]).bfloat16(),
    fp64=torch.tensor([math.pi, 1e-300, 1e300, -1 / 3], dtype=torch.float64),
    int64=torch.tensor([2**62 + 1, -(2**63), 0]), int32=torch.tensor([[-7, 2**31 - 1]], dtype=torch.int32),
    int16=torch.tensor([-300, 300], dtype=torch.int16), int8=torch.tensor([-128, 127], dtype=torch.int8),
    uint8=torch.tensor([0, 255], dtype=torch.uint8), bool=torch.tensor([[True], [False], [True]]),
    scalar=torch.tensor(2.75), count=torch.tensor(44041), empty=torch.zeros(0, 3), none=torch.zeros(0),
)

# safetensors (the library sorts the header itself; the test looks arrays up by name)
safetensors.torch.save_file(dict(types), "types.safetensors", metadata={"model": "tiny", "note": 'quote " \\ é \n'})
expect("types.safetensors", types.items(), {"model": "tiny", "note": 'quote " \\ é \n'})

# torch, zip form and legacy stream, every protocol
views = collections.OrderedDict(
    transposed=base.reshape(4, 6).t(), shared=base[5:11], shared_rows=base.reshape(6, 4)[1:5, 1:3],
    permuted=base.reshape(2, 3, 4).permute(2, 0, 1), stepped=base[1::7], expanded=base[3:4].expand(2, 3),
    half=base.half().reshape(4, 6).t(), one=base.reshape(24, 1)[4:5],
)
everything = collections.OrderedDict(list(types.items()) + list(views.items()))
everything["parameter"] = nn.Parameter(torch.tensor([1.5, -1.5]))
for protocol in (2, 3, 4, 5):
    torch.save(everything, f"everything_p{protocol}.pth", pickle_protocol=protocol)
    expect(f"everything_p{protocol}.pth", everything.items())
torch.save(everything, "everything_legacy.pth", _use_new_zipfile_serialization=False)
expect("everything_legacy.pth", everything.items())

torch.serialization.set_crc32_options(False)
torch.save({"w": base}, "no_crc.pth")
torch.serialization.set_crc32_options(True)
expect("no_crc.pth", [("w", base)])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.bn = nn.BatchNorm2d(2)


net = nn.DataParallel(Net())
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for parameter in net.parameters():
    parameter.grad = torch.ones_like(parameter)
optimizer.step()
state = net.state_dict()  # an OrderedDict with the attribute _metadata
torch.save({"epoch": 12, "best_prec1": 91.78000183105469, "arch": "tiny", "final": True, "nothing": None,
            "acc": torch.tensor(0.5), "blob": b"\x00\xff", "state_dict": state, "optimizer": optimizer.state_dict()},
           "wrapped.pth")
meta = {"epoch": "12", "best_prec1": "91.78000183105469", "arch": "tiny", "final": "True", "nothing": "None",
        "acc": "0.5"}
expect("wrapped.pth", state.items(), meta, "state_dict", ["optimizer"])
torch.save({"model": {"state_dict": {"w": base}}, "lr": 1e-05}, "wrapped_twice.pth",
           _use_new_zipfile_serialization=False)
expect("wrapped_twice.pth", [("w", base)], {"lr": "1e-05"}, "model.state_dict")
torch.save({"model": {"w": base}, "ema": {"w": base * 2}, "sizes": torch.Size([3, 4]), "on": torch.device("cpu")},
           "two_models.pth")
expect("two_models.pth", [("model.w", base), ("ema.w", base * 2)], {"sizes.0": "3", "sizes.1": "4", "on": "cpu"})
torch.save([base, {"a": (base[:2], base[2:4])}], "list.pth")
expect("list.pth", [("0", base), ("1.a.0", base[:2]), ("1.a.1", base[2:4])])
torch.save(base, "bare.pth")
expect("bare.pth", [("bare", base)])

# npy and npz
grid = np.arange(24, dtype="f4").reshape(2, 3, 4) / 8
for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
    for order, name in (("<", "little"), (">", "big")):
        a = (grid * 8 - (0 if kind[0] == "u" else 5)).astype(order + kind)
        np.save(f"{name}_{kind}.npy", a)
        expect(f"{name}_{kind}.npy", [(f"{name}_{kind}", a)])
np.save("bool.npy", grid > 1)
expect("bool.npy", [("bool", grid > 1)])
np.save("fortran.npy", np.asfortranarray(grid))
expect("fortran.npy", [("fortran", grid)])
np.save("fortran_big.npy", np.asfortranarray(grid.astype(">f8")))
expect("fortran_big.npy", [("fortran_big", grid)])
np.save("scalar.npy", np.float32(4.25))
expect("scalar.npy", [("scalar", np.array(4.25, "f4"))])
np.save("empty.npy", np.zeros((0, 5), "f4"))
expect("empty.npy", [("empty", np.zeros((0, 5), "f4"))])
for version in ((1, 0), (2, 0), (3, 0)):
    with open(f"version{version[0]}.npy", "wb") as f:
        np.lib.format.write_array(f, grid, version=version)
    expect(f"version{version[0]}.npy", [(f"version{version[0]}", grid)])
members = {"encoder.weight": grid, "folder/bias": grid[0, 0].astype("f8"), "steps": np.array([1, -2], "i8")}
np.savez("stored.npz", **members)
expect("stored.npz", members.items())
np.savez_compressed("deflated.npz", **members)
expect("deflated.npz", members.items())

with open("expected.json", "w") as f:
    f.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in expected.items()) + "\n}\n")
