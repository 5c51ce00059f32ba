"""One small ONNX model an operator, with seeded random weights, and what ONNX Runtime computes: models.npz holds NAME.x
and NAME.y. Needs onnx, onnxruntime and numpy; run in this folder."""
import glob
import os

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(12)
arrays = {}
N = helper.make_node


def real(*shape):
    return random.standard_normal(shape).astype(np.float32)


def whole(*values):
    return np.array(values, np.int64)


def case(name, nodes, weights={}, shape=(1, 4, 6, 8), opset=17, positive=False):
    """Nodes from 'x' to 'y'; weights by name."""
    x = real(*shape)
    x = np.abs(x) + 0.1 if positive else x
    def model(extents):
        graph = helper.make_graph(
            nodes if isinstance(nodes, list) else [nodes], name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, extents)],
            [numpy_helper.from_array(np.asarray(value), key) for key, value in weights.items()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)

    session = onnxruntime.InferenceSession(model(None).SerializeToString(), providers=["CPUExecutionProvider"])
    y = session.run(None, {"x": x})[0]
    arrays[name + ".x"], arrays[name + ".y"] = x, y
    onnx.checker.check_model(model(y.shape), full_check=True)
    onnx.save(model(y.shape), name + ".onnx")


for old in glob.glob("*.onnx") + glob.glob("external/*"):
    os.remove(old)
os.makedirs("external", exist_ok=True)

# Windows
case("conv", N("Conv", ["x", "w", "b"], ["y"], kernel_shape=[3, 3], strides=[2, 1], pads=[1, 2, 1, 2], dilations=[1, 2]),
     {"w": real(5, 4, 3, 3), "b": real(5)})
case("conv_groups", N("Conv", ["x", "w"], ["y"], group=2, pads=[0, 1, 2, 1]), {"w": real(6, 2, 3, 3)})
case("conv_same", N("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2]), {"w": real(3, 4, 3, 3)})
case("conv_transpose", N("ConvTranspose", ["x", "w", "b"], ["y"], strides=[2, 2], pads=[1, 1, 1, 1],
                         output_padding=[1, 1], group=2), {"w": real(4, 3, 3, 3), "b": real(6)})
case("max_pool", N("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]))
case("max_pool_uneven", N("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]))
case("average_pool", N("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1]))
case("average_pool_counting", N("AveragePool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2], count_include_pad=1))
case("global_average_pool", N("GlobalAveragePool", ["x"], ["y"]))
case("global_max_pool", N("GlobalMaxPool", ["x"], ["y"]))

# Norms
norm = {"s": real(4), "b": real(4), "m": real(4), "v": np.abs(real(4)) + 0.5}
case("batch_norm", N("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"], epsilon=1e-3), norm)
case("instance_norm", N("InstanceNormalization", ["x", "s", "b"], ["y"]), {"s": real(4), "b": real(4)})
case("layer_norm", N("LayerNormalization", ["x", "s", "b"], ["y"], axis=-1), {"s": real(8), "b": real(8)})

# One number at a time
for kind in ["Relu", "Sigmoid", "Tanh", "Exp", "Abs", "Neg", "Softplus", "Identity", "HardSwish", "HardSigmoid"]:
    case(kind.lower(), N(kind, ["x"], ["y"]))
for kind in ["Log", "Sqrt", "Reciprocal"]:
    case(kind.lower(), N(kind, ["x"], ["y"]), positive=True)
case("leaky_relu", N("LeakyRelu", ["x"], ["y"], alpha=0.2))
case("prelu", N("PRelu", ["x", "s"], ["y"]), {"s": real(4, 1, 1)})
case("clip", N("Clip", ["x", "low", "high"], ["y"]), {"low": np.float32(-0.5), "high": np.float32(0.75)})
case("clip_old", N("Clip", ["x"], ["y"], min=0.0, max=0.5), opset=9)
case("gelu", N("Gelu", ["x"], ["y"]), opset=20)
case("pow", N("Pow", ["x", "p"], ["y"]), {"p": np.float32(2)})
case("dropout", N("Dropout", ["x"], ["y"]))
case("cast", N("Cast", ["x"], ["y"], to=TensorProto.FLOAT))

# Two at a time
for kind in ["Add", "Sub", "Mul", "Div", "Min", "Max"]:
    case(kind.lower(), N(kind, ["x", "w"], ["y"]), {"w": real(4, 1, 1)})
case("matmul", N("MatMul", ["x", "w"], ["y"]), {"w": real(8, 3)})
case("gemm", [N("Flatten", ["x"], ["f"]), N("Gemm", ["f", "w", "b"], ["y"], transB=1, alpha=0.5, beta=2.0)],
     {"w": real(3, 192), "b": real(3)})

# Along axes
case("softmax", N("Softmax", ["x"], ["y"], axis=1))
case("log_softmax", N("LogSoftmax", ["x"], ["y"], axis=-1))
case("reduce_mean", N("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=1))
case("reduce_mean_18", N("ReduceMean", ["x", "a"], ["y"], keepdims=0), {"a": whole(-1)}, opset=18)
case("reduce_sum", N("ReduceSum", ["x", "a"], ["y"]), {"a": whole(1)})
case("reduce_max", N("ReduceMax", ["x"], ["y"], axes=[1]))

# Movement
case("concat", N("Concat", ["x", "w"], ["y"], axis=1), {"w": real(1, 2, 6, 8)})
case("reshape", N("Reshape", ["x", "s"], ["y"]), {"s": whole(0, 2, -1, 8)})
case("transpose", N("Transpose", ["x"], ["y"], perm=[0, 2, 3, 1]))
case("squeeze", [N("ReduceMean", ["x"], ["m"], axes=[2]), N("Squeeze", ["m", "a"], ["y"])], {"a": whole(2)})
case("unsqueeze", N("Unsqueeze", ["x", "a"], ["y"]), {"a": whole(0, -1)})
case("expand", [N("GlobalAveragePool", ["x"], ["m"]), N("Expand", ["m", "s"], ["y"])], {"s": whole(1, 4, 3, 2)})
case("slice", N("Slice", ["x", "s", "e", "a", "t"], ["y"]),
     {"s": whole(1, -6), "e": whole(4, 1 << 62), "a": whole(2, 3), "t": whole(1, 2)})
case("pad", N("Pad", ["x", "p", "v"], ["y"]), {"p": whole(0, 0, 1, 2, 0, 0, 0, 1), "v": np.float32(0.5)})
case("pad_reflect", N("Pad", ["x", "p"], ["y"], mode="reflect"), {"p": whole(0, 0, 1, 2, 0, 0, 0, 1)})
case("gather", N("Gather", ["x", "i"], ["y"], axis=1), {"i": np.int64(-2)})
case("split", [N("Split", ["x", "s"], ["p", "q"], axis=1), N("Mul", ["q", "q"], ["r"]), N("Concat", ["r", "p"], ["y"], axis=1)],
     {"s": whole(1, 3)})
case("constant", [N("Constant", [], ["c"], value=numpy_helper.from_array(real(4, 1, 1))), N("Add", ["x", "c"], ["y"])])
case("constant_of_shape", [
    N("ConstantOfShape", ["s"], ["c"], value=helper.make_tensor("v", TensorProto.FLOAT, [1], [3])),
    N("Mul", ["x", "c"], ["y"])], {"s": whole(1, 1, 6, 1)})

# Sizes
case("resize_half_pixel", N("Resize", ["x", "", "", "s"], ["y"], mode="linear"), {"s": whole(1, 4, 9, 20)})
case("resize_corners", N("Resize", ["x", "", "", "s"], ["y"], mode="linear", coordinate_transformation_mode="align_corners"),
     {"s": whole(1, 4, 9, 20)})
case("resize_nearest", N("Resize", ["x", "", "f"], ["y"], mode="nearest", coordinate_transformation_mode="asymmetric",
                         nearest_mode="floor"), {"f": np.array([1, 1, 2, 2], np.float32)})
# The size of one map worked out from another's, as PyTorch's exporter writes it.
case("shape_arithmetic", [
    N("MaxPool", ["x"], ["p"], kernel_shape=[2, 2], strides=[2, 2]), N("Shape", ["x"], ["s"]),
    N("Slice", ["s", "two", "four", "zero"], ["hw"]), N("Shape", ["p"], ["t"]), N("Gather", ["t", "zero"], ["n"]),
    N("Gather", ["t", "one"], ["c"]), N("Mul", ["hw", "two"], ["double"]), N("Div", ["double", "two"], ["same"]),
    N("Concat", ["n", "c", "same"], ["size"], axis=0), N("Resize", ["p", "", "", "size"], ["y"], mode="linear")],
    {"zero": whole(0), "one": whole(1), "two": whole(2), "four": whole(4)})

# What exporters write besides
case("erf", N("Erf", ["x"], ["y"]))
case("elu", N("Elu", ["x"], ["y"], alpha=0.7))
case("mish", N("Mish", ["x"], ["y"]), opset=18)
case("sum", N("Sum", ["x", "v", "w"], ["y"]), {"v": real(4, 1, 1), "w": real(8)})
case("mean", N("Mean", ["x", "v", "w"], ["y"]), {"v": real(4, 1, 1), "w": real(8)})
case("max_of_three", N("Max", ["x", "v", "w"], ["y"]), {"v": real(4, 1, 1), "w": real(8)})
case("pow_minus_half", N("Pow", ["x", "p"], ["y"]), {"p": np.float32(-0.5)}, positive=True)
case("reduce_l2", N("ReduceL2", ["x"], ["y"], axes=[1]))
case("reduce_min", N("ReduceMin", ["x"], ["y"], axes=[2, 3]))
case("softmax_old", N("Softmax", ["x"], ["y"], axis=2), opset=11)
case("batch_norm_rows", [N("Reshape", ["x", "z"], ["f"]), N("BatchNormalization", ["f", "s", "b", "m", "v"], ["y"])],
     {"z": whole(-1, 4), **norm})
case("instance_norm_groups", [
    N("Reshape", ["x", "z"], ["g"]), N("InstanceNormalization", ["g", "s", "b"], ["i"]), N("Shape", ["x"], ["t"]),
    N("Reshape", ["i", "t"], ["y"])], {"z": whole(0, 2, -1), "s": real(2), "b": real(2)})
case("group_norm", N("GroupNormalization", ["x", "s", "b"], ["y"], num_groups=2), {"s": real(4), "b": real(4)}, opset=21)
case("matmul_broadcast", N("MatMul", ["x", "w"], ["y"]), {"w": real(4, 8, 3)})
case("conv_transpose_uneven", N("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], pads=[0, 1, 1, 0]),
     {"w": real(4, 3, 3, 3)})
case("gather_many", N("Gather", ["x", "i"], ["y"], axis=2), {"i": np.array([[1, -1, 0], [5, 2, 2]])})
case("gather_nd", [N("Transpose", ["x"], ["t"], perm=[2, 3, 0, 1]), N("GatherND", ["t", "i"], ["y"])],
     {"i": np.array([[[1, 2], [-1, 7]], [[0, 0], [5, -3]]])})
case("slice_backwards", N("Slice", ["x", "s", "e", "a", "t"], ["y"]),
     {"s": whole(-1, 4), "e": whole(-(1 << 62), 0), "a": whole(3, 2), "t": whole(-1, -2)})
case("pad_edge", N("Pad", ["x", "p"], ["y"], mode="edge"), {"p": whole(0, 0, 1, 2, 0, 0, 0, 1)})
case("pad_axes", N("Pad", ["x", "p", "", "a"], ["y"]), {"p": whole(1, -2, 2, 1), "a": whole(-1, 2)}, opset=18)
case("tile", N("Tile", ["x", "r"], ["y"]), {"r": whole(1, 2, 1, 3)})
case("depth_to_space", N("DepthToSpace", ["x"], ["y"], blocksize=2, mode="CRD"))
case("depth_to_space_dcr", N("DepthToSpace", ["x"], ["y"], blocksize=2))
grid = np.tanh(real(1, 3, 5, 2))
for edge in ["zeros", "border", "reflection"]:
    case(f"grid_sample_{edge}", N("GridSample", ["x", "g"], ["y"], mode="bilinear", padding_mode=edge), {"g": 1.2 * grid})
for mode, corners in [
    ("cubic", "half_pixel"), ("cubic", "align_corners"), ("linear", "asymmetric"), ("linear", "pytorch_half_pixel"),
    ("nearest", "half_pixel"), ("nearest", "align_corners")]:
    case(f"resize_{mode}_{corners}", N("Resize", ["x", "", "", "s"], ["y"], mode=mode, cubic_coeff_a=-0.75,
                                       coordinate_transformation_mode=corners), {"s": whole(1, 4, 9, 5)})
case("resize_cubic_factor", N("Resize", ["x", "", "f"], ["y"], mode="cubic", coordinate_transformation_mode="half_pixel"),
     {"f": np.array([1, 1, 1.7, 2.3], np.float32)})
case("resize_linear_factor", N("Resize", ["x", "", "f"], ["y"], mode="linear"),
     {"f": np.array([1, 1, 1.7, 2.3], np.float32)})
case("resize_axes", N("Resize", ["x", "", "", "s"], ["y"], mode="linear", axes=[2, 3]), {"s": whole(12, 4)}, opset=18)
case("upsample_old", N("Upsample", ["x", "f"], ["y"], mode="nearest"), {"f": np.array([1, 1, 2, 3], np.float32)}, opset=9)
for kind in ["Greater", "LessOrEqual"]:
    case(f"where_{kind.lower()}", [N(kind, ["x", "w"], ["c"]), N("Not", ["c"], ["d"]), N("Where", ["d", "x", "w"], ["y"])],
         {"w": real(4, 1, 1)})
case("and_or", [
    N("Greater", ["x", "w"], ["a"]), N("Less", ["x", "v"], ["b"]), N("And", ["a", "b"], ["c"]), N("Xor", ["a", "b"], ["d"]),
    N("Or", ["c", "d"], ["e"]), N("Cast", ["e"], ["f"], to=TensorProto.FLOAT), N("Add", ["x", "f"], ["y"])],
    {"w": real(4, 1, 1), "v": real(8)})
for kind in ["Floor", "Ceil", "Round", "Sign"]:
    case(kind.lower(), N(kind, ["x"], ["y"]))
# The shape of an Expand as PyTorch's exporter works it out: 1 where it says -1.
case("expand_where", [
    N("GlobalAveragePool", ["x"], ["m"]), N("ConstantOfShape", ["n"], ["ones"], value=helper.make_tensor("v", 7, [1], [1])),
    N("Mul", ["ones", "minus"], ["none"]), N("Equal", ["asked", "none"], ["open"]), N("Where", ["open", "ones", "asked"], ["s"]),
    N("Expand", ["m", "s"], ["y"])], {"n": whole(4), "minus": whole(-1), "asked": whole(-1, 4, 3, 2)})
# A size by a factor, by way of floats.
case("floor_of_size", [
    N("Shape", ["x"], ["s"]), N("Slice", ["s", "two", "four"], ["hw"]), N("Cast", ["hw"], ["r"], to=TensorProto.FLOAT),
    N("Mul", ["r", "f"], ["g"]), N("Floor", ["g"], ["h"]), N("Cast", ["h"], ["size"], to=TensorProto.INT64),
    N("Slice", ["s", "zero", "two"], ["nc"]), N("Concat", ["nc", "size"], ["all"], axis=0),
    N("Resize", ["x", "", "", "all"], ["y"], mode="linear")],
    {"zero": whole(0), "two": whole(2), "four": whole(4), "f": np.array([1.3, 2.6], np.float32)})

np.savez_compressed("models.npz", **arrays)

# Weights in a file of their own: two tensors, one after the other; and classes instead of scores.
x, w, b = real(1, 4, 6, 8), real(5, 4, 1, 1), real(5)
graph = helper.make_graph(
    [N("Conv", ["x", "w", "b"], ["scores"]), N("ArgMax", ["scores"], ["y"], axis=1, keepdims=0)], "external",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
    [helper.make_tensor_value_info("y", TensorProto.INT64, [1, 6, 8])],
    [numpy_helper.from_array(w, "w"), numpy_helper.from_array(b, "b")])
external = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.save(external, "external/model.onnx", save_as_external_data=True, location="model.onnx.data", size_threshold=0)
session = onnxruntime.InferenceSession("external/model.onnx", providers=["CPUExecutionProvider"])
scores = np.einsum("nchw,oc->nohw", x, w[:, :, 0, 0]) + b[:, None, None]
assert (scores.argmax(1) == session.run(None, {"x": x})[0]).all()
np.savez_compressed("external/model.npz", x=x, y=scores.astype(np.float32))
