"""What PyTorch computes for every operation of the package, and its gradients: operations.safetensors, operations.json.

    pip install torch safetensors numpy
    python make_operations.py

operations.json is a list of cases:

    name        unique; its tensors are called name/…
    operation   the function of `Reference` (Sources/SegOperationTable/References) and its attributes
    attributes  sizes, strides, … in the order (height, width)
    inputs      float tensors, in the order of the operation's arguments; an absent bias or weight is simply missing
    labels      integer tensors (I64) that the operation takes as well; only where there are some
    outputs     the results
    cotangent   a random tensor v of the first output's shape, or null if the operation is not differentiable
    gradients   for each input, d Σ(v · first output) / d input, or null

Inputs are float32 values. Everything else is computed from them in float64 and rounded to float32 once, so that the
fixture is more exact than any float32 implementation. Inputs keep away from kinks and ties, where gradients are a
matter of convention.
"""

import json
import math
import pathlib
import zlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
tensors = {}
cases = []


# Inputs


def generator(name):
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def normal(name, *shape):
    return torch.randn(shape, generator=generator(name))


def positive(name, *shape):
    return 0.2 + 1.8 * torch.rand(shape, generator=generator(name))


def off_zero(name, *shape):
    """Normal values pushed away from 0 by 0.1."""
    x = normal(name, *shape)
    return x + torch.where(x < 0, -0.1, 0.1)


def distinct(name, *shape):
    """Values that are at least 0.11 apart from each other and 0.05 from 0, in random order."""
    count = math.prod(shape)
    order = torch.randperm(count, generator=generator(name))
    return ((order - count / 2 + 0.5) * 0.11 + 0.003).reshape(shape)


def integers(name, below, *shape):
    return torch.randint(below, shape, generator=generator(name))


# Cases


def case(name, operation, function, inputs, labels=None, differentiable=True, nan_intended=False, **attributes):
    """Runs `function(*inputs as float64, *labels)` and records it. `inputs` and `labels` map names to tensors."""
    assert name not in {case["name"] for case in cases}, name
    labels = labels or {}
    wide = [x.to(torch.float32).double().requires_grad_(differentiable) for x in inputs.values()]
    outputs = function(*wide, *labels.values())
    outputs = outputs if isinstance(outputs, dict) else {"output": outputs}

    def store(role, tensor):
        integer = not tensor.is_floating_point()
        tensor = tensor.detach().contiguous().clone() if integer else tensor.detach().float().contiguous().clone()
        assert integer or nan_intended or tensor.isfinite().all(), f"{name}/{role} is not finite"
        tensors[f"{name}/{role}"] = tensor
        return f"{name}/{role}"

    record = {"name": name, "operation": operation, "attributes": attributes}
    record["inputs"] = [store(role, tensor) for role, tensor in zip(inputs, wide)]
    if labels:
        record["labels"] = [store(role, tensor) for role, tensor in labels.items()]
    record["outputs"] = [store(role, tensor) for role, tensor in outputs.items()]
    record["cotangent"] = None
    record["gradients"] = [None for _ in inputs]
    if differentiable:
        output = next(iter(outputs.values()))
        cotangent = torch.randn(output.shape, generator=generator(name + "/cotangent"))
        gradients = torch.autograd.grad((cotangent.double() * output).sum(), wide, allow_unused=True)
        record["cotangent"] = store("cotangent", cotangent)
        # A gradient of 0 but for the rounding of doubles says nothing of floats.
        record["gradients"] = [
            None if gradient is None or 0 < gradient.abs().sum() < 1e-13 else store("d_" + role, gradient)
            for role, gradient in zip(inputs, gradients)]
    cases.append(record)


def elementwise():
    binaries = {"add": torch.add, "subtract": torch.sub, "multiply": torch.mul, "divide": torch.div}
    shapes = {
        "same": ((2, 3, 4), (2, 3, 4)), "trailing": ((2, 3, 4), (4,)), "both_ways": ((2, 1, 4), (3, 1)),
        "scalar": ((2, 3), ()), "scalar_first": ((), (5,)), "channels": ((2, 3, 5, 7), (1, 3, 1, 1)),
        "ones": ((1, 1), (1,)), "empty": ((0, 3), (3,)),
    }
    for operation, function in binaries.items():
        for label, (first, second) in shapes.items():
            name = f"{operation}/{label}"
            second = off_zero(name + "b", *second).sign() * positive(name + "c", *second)
            case(name, operation, function, {"a": normal(name, *first), "b": second})

    unaries = {
        "relu": (torch.relu, off_zero), "negate": (torch.neg, normal), "abs": (torch.abs, off_zero),
        "exp": (torch.exp, normal), "log": (torch.log, positive), "sqrt": (torch.sqrt, positive),
        "square": (torch.square, normal), "reciprocal": (torch.reciprocal, off_zero),
        "sigmoid": (torch.sigmoid, lambda *a: 4 * normal(*a)), "tanh": (torch.tanh, lambda *a: 2 * normal(*a)),
    }
    for operation, (function, values) in unaries.items():
        for label, shape in {"image": (2, 3, 5, 7), "odd": (13,), "scalar": (), "empty": (2, 0)}.items():
            case(f"{operation}/{label}", operation, function, {"x": values(f"{operation}/{label}", *shape)})
    far = torch.tensor([-90.0, -30.0, -17.0, 17.0, 30.0, 90.0])
    case("sigmoid/far", "sigmoid", torch.sigmoid, {"x": far})
    case("tanh/far", "tanh", torch.tanh, {"x": far})

    for rate in (0.1, 0.5):
        name = f"dropout/{rate}"
        mask = (torch.rand((2, 3, 5, 7), generator=generator(name + "mask")) >= rate).long()
        case(name, "dropout", lambda x, mask: x * mask / (1 - rate), {"x": normal(name, 2, 3, 5, 7)},
             labels={"mask": mask}, rate=rate)


def reductions():
    functions = {
        "sum": (torch.sum, normal), "mean": (torch.mean, normal),
        "maximum": (torch.amax, distinct), "minimum": (torch.amin, distinct),
    }
    for operation, (function, values) in functions.items():
        for shape, axes in [
            ((2, 3, 5, 7), []), ((2, 3, 5, 7), [1]), ((2, 3, 5, 7), [2, 3]), ((2, 3, 5, 7), [0, 2, 3]),
            ((2, 3, 5, 7), [-1]), ((3, 4, 5), [0, 2]), ((13,), [0]), ((1, 1, 3), [0, 1]), ((), []),
        ]:
            for keep in (False, True):
                spelled = "x".join(map(str, shape)) or "scalar"
                name = f"{operation}/{spelled}_axes{','.join(map(str, axes)) or 'all'}{'_keep' * keep}"
                every = tuple(axes) or tuple(range(len(shape)))
                case(name, operation, lambda x: function(x, dim=every, keepdim=keep), {"x": values(name, *shape)},
                     axes=axes, keepDimensions=keep)

    for shape, axis in [((2, 5, 3, 4), 1), ((2, 3, 7), -1), ((13,), 0), ((3, 1, 2), 1)]:
        name = f"argmax/{'x'.join(map(str, shape))}_axis{axis}"
        case(name, "argmax", lambda x: x.argmax(dim=axis), {"x": distinct(name, *shape)}, differentiable=False,
             axis=axis)
    tied = torch.tensor([[1.0, 3.0, 3.0, 2.0], [5.0, 5.0, 5.0, 5.0], [0.0, -0.0, -1.0, 0.0]])
    case("argmax/first_of_equals", "argmax", lambda x: x.argmax(dim=1), {"x": tied}, differentiable=False, axis=1)


def movement():
    for m, k, n in [(1, 1, 1), (2, 3, 4), (5, 7, 13), (13, 1, 3), (1, 13, 1), (17, 16, 15)]:
        name = f"matmul/{m}x{k}x{n}"
        case(name, "matmul", torch.matmul, {"a": normal(name + "a", m, k), "b": normal(name + "b", k, n)})

    for shape, axes in [((2, 3), [1, 0]), ((2, 3, 4), [2, 0, 1]), ((2, 3, 5, 7), [0, 2, 3, 1]), ((3,), [0]),
                        ((1, 2, 3, 4, 5), [4, 1, 3, 0, 2])]:
        name = f"permute/{''.join(map(str, axes))}"
        case(name, "permute", lambda x: x.permute(axes), {"x": normal(name, *shape)}, axes=axes)

    for before, after in [((2, 3, 4), [6, 4]), ((24,), [2, 3, 4]), ((1,), []), ((2, 0), [0, 5])]:
        name = f"reshape/{'x'.join(map(str, before))}_to_{'x'.join(map(str, after)) or 'scalar'}"
        case(name, "reshape", lambda x: x.reshape(after), {"x": normal(name, *before)}, shape=after)

    for label, axis, shapes in [
        ("channels", 1, [(2, 1, 3, 5), (2, 4, 3, 5), (2, 2, 3, 5)]), ("batch", 0, [(1, 3), (2, 3), (5, 3)]),
        ("last", -1, [(2, 3, 1), (2, 3, 7), (2, 3, 2)]), ("one", 0, [(3,)]),
        ("with_empty", 0, [(2, 2), (0, 2), (1, 2)]),
    ]:
        name = f"concatenate/{label}"
        inputs = {f"x{i}": normal(f"{name}{i}", *shape) for i, shape in enumerate(shapes)}
        case(name, "concatenate", lambda *xs: torch.cat(xs, dim=axis), inputs, axis=axis)

    for shape, axis, start, end, step in [
        ((13,), 0, 0, 13, 1), ((13,), 0, 2, 11, 3), ((2, 7, 3), 1, 1, 6, 2), ((2, 7, 3), 1, 0, 7, 4),
        ((2, 3, 5, 7), 3, 3, 4, 1), ((2, 3, 5, 7), -2, 1, 5, 2), ((4, 2), 0, 2, 2, 1),
    ]:
        name = f"slice/{'x'.join(map(str, shape))}_axis{axis}_{start}:{end}:{step}"

        def take(x):
            index = [slice(None)] * x.dim()
            index[axis] = slice(start, end, step)
            return x[tuple(index)]

        case(name, "slice", take, {"x": normal(name, *shape)}, axis=axis, start=start, end=end, step=step)

    # torch lists paddings from the last axis backwards; the attribute lists them from the first axis forwards.
    def backwards(padding):
        return [amount for pair in reversed(padding) for amount in pair]

    for label, shape, padding, value in [
        ("image", (2, 3, 4, 5), [[0, 0], [0, 0], [1, 2], [3, 0]], 0.0), ("value", (3, 2), [[1, 1], [0, 2]], -1.5),
        ("all_axes", (2, 1, 3), [[1, 0], [0, 2], [1, 1]], 0.25), ("nothing", (2, 3), [[0, 0], [0, 0]], 7.0),
        ("from_empty", (0, 2), [[1, 1], [0, 0]], 2.0),
    ]:
        case(f"pad/{label}", "pad", lambda x: F.pad(x, backwards(padding), value=value),
             {"x": normal("pad/" + label, *shape)}, padding=padding, value=value)
    for label, shape, padding in [
        ("one", (1, 2, 5, 7), [[1, 1], [1, 1]]), ("uneven", (2, 1, 4, 5), [[2, 0], [1, 3]]),
        ("widest", (1, 1, 3, 4), [[2, 2], [3, 3]]), ("columns_only", (1, 2, 3, 5), [[0, 0], [2, 1]]),
    ]:
        case(f"padReflect/{label}", "padReflect", lambda x: F.pad(x, backwards(padding), mode="reflect"),
             {"x": normal("padReflect/" + label, *shape)}, padding=[[0, 0], [0, 0]] + padding)


def convolution():
    # name: input shape, filters, kernel, then what differs from the defaults
    for label, shape, filters, kernel, options in [
        ("1x1", (2, 3, 5, 7), 4, (1, 1), {}), ("1x1_single_pixel", (1, 5, 1, 1), 3, (1, 1), {}),
        ("1x1_stride2", (2, 3, 7, 5), 2, (1, 1), {"stride": (2, 2)}),
        ("3x3", (2, 3, 5, 7), 4, (3, 3), {}), ("3x3_same", (1, 2, 13, 13), 3, (3, 3), {"padding": (1, 1)}),
        ("3x3_on_1x1", (1, 3, 1, 1), 2, (3, 3), {"padding": (1, 1)}),
        ("3x3_on_2x3", (2, 2, 2, 3), 3, (3, 3), {"padding": (1, 1)}),
        ("3x3_stride2", (2, 3, 13, 7), 4, (3, 3), {"stride": (2, 2), "padding": (1, 1)}),
        ("3x3_stride2_even", (1, 2, 8, 6), 3, (3, 3), {"stride": (2, 2), "padding": (1, 1)}),
        ("3x3_stride3", (1, 2, 13, 7), 3, (3, 3), {"stride": (3, 3), "padding": (1, 1)}),
        ("3x3_stride1,2", (1, 2, 5, 7), 3, (3, 3), {"stride": (1, 2), "padding": (1, 1)}),
        ("3x3_stride3,1", (1, 2, 7, 5), 3, (3, 3), {"stride": (3, 1), "padding": (0, 2)}),
        ("3x3_dilation2", (1, 2, 7, 13), 3, (3, 3), {"dilation": (2, 2), "padding": (2, 2)}),
        ("3x3_dilation4", (1, 2, 13, 7), 3, (3, 3), {"dilation": (4, 4), "padding": (4, 4)}),
        ("3x3_dilation2,1", (1, 2, 7, 5), 2, (3, 3), {"dilation": (2, 1), "padding": (1, 0)}),
        ("3x3_dilation2_stride2", (1, 2, 13, 7), 3, (3, 3), {"dilation": (2, 2), "stride": (2, 2), "padding": (2, 2)}),
        ("3x3_dilation_beyond_image", (1, 2, 3, 3), 2, (3, 3), {"dilation": (4, 4), "padding": (4, 4)}),
        ("1x3", (1, 3, 5, 7), 2, (1, 3), {"padding": (0, 1)}), ("3x1", (1, 3, 5, 7), 2, (3, 1), {"padding": (1, 0)}),
        ("2x2_stride2", (1, 3, 7, 6), 2, (2, 2), {"stride": (2, 2)}),
        ("5x5", (1, 2, 7, 5), 3, (5, 5), {"padding": (2, 2)}),
        ("7x7_stem", (1, 3, 13, 13), 4, (7, 7), {"stride": (2, 2), "padding": (3, 3)}),
        ("padding_beyond_kernel", (1, 1, 2, 3), 2, (2, 2), {"padding": (3, 3)}),
        ("groups2", (2, 4, 5, 5), 6, (3, 3), {"groups": 2, "padding": (1, 1)}),
        ("groups2_1x1", (1, 6, 3, 5), 4, (1, 1), {"groups": 2}),
        ("groups2_stride2", (1, 4, 7, 5), 4, (3, 3), {"groups": 2, "stride": (2, 2), "padding": (1, 1)}),
        ("depthwise", (2, 5, 7, 5), 5, (3, 3), {"groups": 5, "padding": (1, 1)}),
        ("depthwise_stride2", (1, 3, 13, 7), 3, (3, 3), {"groups": 3, "stride": (2, 2), "padding": (1, 1)}),
        ("depthwise_5x5", (1, 3, 7, 7), 3, (5, 5), {"groups": 3, "padding": (2, 2)}),
        ("depthwise_dilation2", (1, 3, 7, 7), 3, (3, 3), {"groups": 3, "dilation": (2, 2), "padding": (2, 2)}),
        ("depthwise_multiplier2", (1, 3, 5, 7), 6, (3, 3), {"groups": 3, "padding": (1, 1)}),
        ("wide", (1, 17, 5, 5), 33, (3, 3), {"padding": (1, 1)}), ("wide_1x1", (1, 33, 3, 3), 17, (1, 1), {}),
        ("batch5", (5, 2, 3, 3), 3, (3, 3), {"padding": (1, 1)}),
    ]:
        options = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1} | options
        for bias in (False, True):
            name = f"conv2d/{label}{'_bias' * bias}"
            if label.startswith("wide") and bias:
                continue
            inputs = {
                "x": normal(name + "x", *shape),
                "weight": normal(name + "w", filters, shape[1] // options["groups"], *kernel),
            }
            if bias:
                inputs["bias"] = normal(name + "b", filters)
            case(name, "conv2d", lambda *tensors: F.conv2d(*tensors, **options), inputs, **options)


def pooling():
    for label, shape, kernel, stride, padding in [
        ("2x2", (2, 3, 6, 4), (2, 2), (2, 2), (0, 0)), ("2x2_odd", (1, 2, 7, 5), (2, 2), (2, 2), (0, 0)),
        ("stem", (1, 3, 13, 7), (3, 3), (2, 2), (1, 1)), ("stride1", (1, 2, 5, 5), (3, 3), (1, 1), (1, 1)),
        ("stride3", (1, 2, 13, 7), (2, 2), (3, 3), (0, 0)), ("uneven", (2, 1, 7, 13), (3, 2), (2, 1), (1, 0)),
        ("on_1x1", (1, 2, 1, 1), (3, 3), (2, 2), (1, 1)), ("5x5", (1, 1, 7, 7), (5, 5), (1, 1), (2, 2)),
        ("window7", (1, 1, 13, 13), (7, 7), (1, 1), (3, 3)),
    ]:
        attributes = {"kernel": kernel, "stride": stride, "padding": padding}
        name = f"maxPool2d/{label}"
        case(name, "maxPool2d", lambda x: F.max_pool2d(x, kernel, stride, padding), {"x": distinct(name, *shape)},
             **attributes)
        for count in (True, False):
            name = f"averagePool2d/{label}{'' if count else '_without_pad'}"
            case(name, "averagePool2d",
                 lambda x: F.avg_pool2d(x, kernel, stride, padding, count_include_pad=count),
                 {"x": normal(name, *shape)}, **attributes, countIncludePad=count)
    negative = -1 - positive("maxPool2d/negative", 1, 2, 3, 5)
    case("maxPool2d/negative_beside_padding", "maxPool2d", lambda x: F.max_pool2d(x, 3, 2, 1), {"x": negative},
         kernel=(3, 3), stride=(2, 2), padding=(1, 1))

    for shape, size in [((2, 3, 5, 7), (1, 1)), ((1, 2, 6, 6), (2, 3)), ((2, 2, 7, 5), (3, 2)), ((1, 2, 13, 7), (5, 6)),
                        ((1, 2, 2, 3), (5, 7)), ((1, 3, 1, 1), (1, 1)), ((1, 1, 13, 13), (6, 6))]:
        name = f"adaptiveAveragePool2d/{shape[2]}x{shape[3]}_to_{size[0]}x{size[1]}"
        case(name, "adaptiveAveragePool2d", lambda x: F.adaptive_avg_pool2d(x, size), {"x": normal(name, *shape)},
             outputSize=size)


def normalization():
    for label, shape, epsilon in [
        ("image", (2, 3, 5, 7), 1e-5), ("batch5", (5, 4, 1, 1), 1e-5), ("epsilon", (3, 2, 3, 2), 0.1),
        ("matrix", (7, 3), 1e-5), ("pixel_row", (1, 2, 1, 13), 1e-3),
    ]:
        name = f"batchNorm/{label}"
        x = 2 * normal(name + "x", *shape) + 0.7
        weight, bias = off_zero(name + "w", shape[1]), normal(name + "b", shape[1])

        def training(x, weight=None, bias=None):
            axes = [axis for axis in range(x.dim()) if axis != 1]
            y = F.batch_norm(x, None, None, weight, bias, training=True, eps=epsilon)
            return {"output": y, "mean": x.mean(axes), "variance": x.var(axes, unbiased=False)}

        case(f"batchNormTraining/{label}", "batchNormTraining", training, {"x": x, "weight": weight, "bias": bias},
             epsilon=epsilon)
        case(f"batchNormTraining/{label}_plain", "batchNormTraining", training, {"x": x}, epsilon=epsilon)

        statistics = {"mean": normal(name + "m", shape[1]), "variance": positive(name + "v", shape[1])}

        def evaluation(x, mean, variance, weight=None, bias=None):
            return F.batch_norm(x, mean.detach(), variance.detach(), weight, bias, training=False, eps=epsilon)

        def by_formula(x, mean, variance, weight=None, bias=None):
            """F.batch_norm knows no gradient of the statistics; the formula does."""
            columns = [1, -1] + [1] * (x.dim() - 2)
            y = (x - mean.reshape(columns)) / (variance.reshape(columns) + epsilon).sqrt()
            y = y if weight is None else y * weight.reshape(columns) + bias.reshape(columns)
            torch.testing.assert_close(y, evaluation(x, mean, variance, weight, bias))
            return y

        case(f"batchNormEvaluation/{label}", "batchNormEvaluation", by_formula,
             {"x": x} | statistics | {"weight": weight, "bias": bias}, epsilon=epsilon)
        case(f"batchNormEvaluation/{label}_plain", "batchNormEvaluation", by_formula, {"x": x} | statistics,
             epsilon=epsilon)


def softmax():
    for operation, function in {"softmax": F.softmax, "logSoftmax": F.log_softmax}.items():
        for shape, axis in [((2, 5, 3, 4), 1), ((2, 3, 7), -1), ((13,), 0), ((3, 1, 2), 1), ((4, 3), 0)]:
            name = f"{operation}/{'x'.join(map(str, shape))}_axis{axis}"
            case(name, operation, lambda x: function(x, dim=axis), {"x": 2 * normal(name, *shape)}, axis=axis)
        far = torch.tensor([[1000.0, 999.0, -1000.0], [-500.0, -500.0, -501.0]])
        case(f"{operation}/far", operation, lambda x: function(x, dim=1), {"x": far}, axis=1)


def cross_entropy():
    for label, shape in {"image": (2, 5, 3, 4), "matrix": (7, 3), "two_classes": (1, 2, 5, 5)}.items():
        for reduction in ("none", "sum", "mean"):
            for weighted in (False, True):
                for smoothing in (0.0, 0.1):
                    name = f"crossEntropy/{label}_{reduction}{'_weights' * weighted}{'_smoothing' * bool(smoothing)}"
                    labels = integers(label, shape[1], shape[0], *shape[2:])
                    labels.view(-1)[::4] = 255
                    weights = positive(label + "weights", shape[1]) if weighted else None
                    entropy(name, 2 * normal(label, *shape), labels, weights, smoothing, reduction)

    logits = normal("crossEntropy/extremes", 1, 4, 2, 3)
    for label, ignore in {"none_ignored": 255, "ignored_class_0": 0}.items():
        name = f"crossEntropy/{label}"
        entropy(name, logits, integers(name, 4, 1, 2, 3), None, 0.0, "mean", ignore)
    for reduction in ("none", "sum", "mean"):
        everything = torch.full((1, 2, 3), 255)
        entropy(f"crossEntropy/all_ignored_{reduction}", logits, everything, None, 0.0, reduction)
    far = torch.tensor([[200.0, -200.0, 0.0], [-1000.0, 1000.0, 1000.0]])
    entropy("crossEntropy/far", far, torch.tensor([1, 2]), None, 0.0, "none")


def entropy(name, logits, labels, weights, smoothing, reduction, ignore=255):
    """One case; class weights are its second input, for which torch has no gradient."""

    def function(logits, *rest):
        table = rest[0].detach() if len(rest) == 2 else None
        return F.cross_entropy(logits, rest[-1], weight=table, ignore_index=ignore, label_smoothing=smoothing,
                               reduction=reduction)

    case(name, "crossEntropy", function, {"logits": logits} | ({} if weights is None else {"weights": weights}),
         labels={"labels": labels}, nan_intended="all_ignored_mean" in name, ignoreIndex=ignore,
         labelSmoothing=smoothing, reduction=reduction)


def segmentation_losses():
    def given(name, shape, absent=False):
        """Logits, labels of which every fourth is ignored, and probabilities; the last class may not occur."""
        labels = integers(name, shape[1] - absent, shape[0], *shape[2:])
        labels.view(-1)[::4] = 255
        logits = 2 * normal(name, *shape)
        return logits, labels, F.softmax(logits, dim=1)

    def reduced(losses, reduction, counting=None):
        count = losses.numel() if counting is None else counting
        return {"none": losses, "sum": losses.sum(), "mean": losses.sum() / count}[reduction]

    for label, threshold, minimum in [("threshold", 0.4, 3), ("minimum", 0.02, 11), ("all", 0.4, 1000)]:
        for weighted in (False, True):
            name = f"crossEntropy/hard_{label}{'_weights' * weighted}"
            logits, labels, _ = given(name, (2, 5, 3, 4))

            def mined(logits, *rest):
                y = rest[-1]
                table = rest[0].detach() if len(rest) == 2 else None
                own = F.softmax(logits, dim=1).gather(1, y.where(y != 255, 0)[:, None])[:, 0]
                ordered = own[y != 255].sort().values
                bound = max(threshold, ordered[minimum].item()) if minimum < len(ordered) else 2
                return F.cross_entropy(logits, y.where(own < bound, 255), weight=table, ignore_index=255)

            inputs = {"logits": logits} | ({"weights": positive(name + "weights", 5)} if weighted else {})
            case(name, "crossEntropy", mined, inputs, labels={"labels": labels}, ignoreIndex=255, labelSmoothing=0.0,
                 threshold=threshold, minimum=minimum, reduction="mean")

    for focusing in (0.5, 2.0):
        for reduction in ("none", "sum", "mean"):
            name = f"focalLoss/{focusing}_{reduction}"
            logits, labels, _ = given(name, (2, 5, 3, 4))

            def focal(x, w, y):
                w = w.detach()
                surprise = F.cross_entropy(x, y, ignore_index=255, reduction="none")
                weight = w[y.where(y != 255, 0)].where(y != 255, 0)
                return reduced(weight * (1 - (-surprise).exp()) ** focusing * surprise, reduction, weight.sum())

            # 1 - p is 0 at ignored pixels, where a root has no slope.
            labels[labels == 255] = 1 if focusing < 1 else 255
            case(name, "focalLoss", focal, {"logits": logits, "weights": positive(name + "weights", 5)},
                 labels={"labels": labels}, focusing=focusing, ignoreIndex=255, reduction=reduction)

    def each_class(p, y, loss, reduction):
        p, y = p.movedim(1, -1).flatten(0, -2), y.flatten()
        p, y = p[y != 255], y[y != 255]
        present = [c in y for c in range(p.shape[1])]
        losses = [loss(p[:, c], (y == c).double()) if present[c] else p.sum() * 0 for c in range(p.shape[1])]
        return reduced(torch.stack(losses), reduction, sum(present))

    def jaccard_slopes(truth):
        loss = 1 - (truth.sum() - truth.cumsum(0)) / (truth.sum() + (1 - truth).cumsum(0))
        return torch.cat([loss[:1], loss[1:] - loss[:-1]])

    def lovasz(p, truth):
        errors, order = (truth - p).abs().sort(descending=True)
        return errors @ jaccard_slopes(truth[order])

    for reduction in ("none", "sum", "mean"):
        for label, shape, absent in [("all", (2, 3, 4, 5), False), ("absent", (2, 4, 3, 3), True), ("rows", (9, 3), False)]:
            name = f"diceLoss/{label}_{reduction}"
            _, labels, p = given(name, shape, absent)
            case(name, "diceLoss",
                 lambda p, y: each_class(
                     p, y, lambda p, t: 1 - (2 * (p * t).sum() + 0.5) / (p.sum() + t.sum() + 0.5), reduction),
                 {"probabilities": p}, labels={"labels": labels}, ignoreIndex=255, smoothing=0.5, reduction=reduction)
            name = f"lovaszLoss/{label}_{reduction}"
            _, labels, p = given(name, shape, absent)
            case(name, "lovaszLoss", lambda p, y: each_class(p, y, lovasz, reduction), {"probabilities": p},
                 labels={"labels": labels}, ignoreIndex=255, reduction=reduction)

    for label, shape, region, stride in [
        ("plain", (2, 2, 9, 10), 3, 1), ("averaged", (1, 3, 17, 15), 2, 2), ("published", (1, 2, 31, 33), 3, 4),
    ]:
        for reduction in ("none", "sum", "mean"):
            name = f"regionMutualInformationLoss/{label}_{reduction}"
            _, labels, p = given(name, shape)

            def information(p, y):
                mask = (y != 255)[:, None]
                truth = F.one_hot(y.where(y != 255, 0), p.shape[1]).movedim(-1, 1).double() * mask

                def samples(x):
                    x = F.avg_pool2d(x, stride)
                    x = F.unfold(x.flatten(0, 1)[:, None], region)
                    return x - x.mean(-1, keepdim=True)

                y, p_ = samples(truth), samples(p * mask)
                eye = 0.01 * torch.eye(region * region, dtype=torch.double)
                across = y @ p_.mT
                left = y @ y.mT - across @ torch.linalg.inv(p_ @ p_.mT + eye) @ across.mT + eye
                losses = 0.5 * torch.logdet(left).view(p.shape[:2]) / region**2
                return reduced(losses, reduction)

            case(name, "regionMutualInformationLoss", information, {"probabilities": p}, labels={"labels": labels},
                 ignoreIndex=255, region=region, stride=stride, regularization=0.01, reduction=reduction)


def resize():
    sizes = [
        ((5, 7), (10, 14)), ((5, 7), (7, 13)), ((13, 7), (5, 3)), ((6, 4), (3, 2)), ((5, 7), (1, 1)),
        ((1, 1), (3, 5)), ((1, 7), (2, 3)), ((3, 5), (3, 5)), ((2, 3), (16, 24)), ((7, 5), (7, 2)),
        ((2, 1), (82, 1)),  # the ratio is rounded to a float: nearest differs from exact arithmetic at row 41
    ]
    for before, after in sizes:
        spelled = f"{before[0]}x{before[1]}_to_{after[0]}x{after[1]}"
        x = normal("resize" + spelled, 1 if after[0] > 13 else 2, 2, *before)
        case(f"resizeNearest/{spelled}", "resizeNearest", lambda x: F.interpolate(x, size=after, mode="nearest"),
             {"x": x}, size=after)
        for align in (False, True):
            case(f"resizeBilinear/{spelled}{'_aligned' * align}", "resizeBilinear",
                 lambda x: F.interpolate(x, size=after, mode="bilinear", align_corners=align), {"x": x},
                 size=after, alignCorners=align)


def further_elementwise():
    def within_one(name, *shape):
        return 1.8 * torch.rand(shape, generator=generator(name)) - 0.9

    unaries = {
        "softplus": (F.softplus, lambda *a: 4 * normal(*a)), "gelu": (F.gelu, lambda *a: 2 * normal(*a)),
        "erf": (torch.erf, normal),
        "sin": (torch.sin, lambda *a: 3 * normal(*a)), "cos": (torch.cos, lambda *a: 3 * normal(*a)),
        "acos": (torch.acos, within_one),
    }
    for operation, (function, values) in unaries.items():
        for label, shape in {"image": (2, 3, 5, 7), "empty": (2, 0)}.items():
            case(f"{operation}/{label}", operation, function, {"x": values(f"{operation}/{label}", *shape)})
    case("clamp/both", "clamp", lambda x: x.clamp(-0.77, 1.13), {"x": distinct("clamp", 3, 17)}, low=-0.77, high=1.13)

    binaries = {"minimum": torch.minimum, "maximum": torch.maximum, "atan2": torch.atan2}
    for operation, function in binaries.items():
        for label, (first, second) in {"same": ((2, 3, 4), (2, 3, 4)), "both_ways": ((2, 1, 4), (3, 1))}.items():
            name = f"{operation}/{label}"
            case(name, operation, function, {"a": off_zero(name + "a", *first), "b": off_zero(name + "b", *second)})
    tied = torch.tensor([1.0, 2.0, 3.0])
    case("maximum/ties", "maximum", torch.maximum, {"a": tied, "b": torch.tensor([1.0, 1.0, 4.0])})

    mask = (normal("select", 4, 1) > 0).long()
    case("select/broadcast", "select", lambda a, b, mask: torch.where(mask.bool(), a, b),
         {"a": normal("select/a", 2, 1, 3), "b": normal("select/b", 3)}, labels={"mask": mask})

    channels = (torch.rand((2, 5, 1, 1), generator=generator("dropout2d")) >= 0.5).long()
    case("dropout2d/0.5", "dropout2d", lambda x, mask: x * mask / 0.5, {"x": normal("dropout2d/x", 2, 5, 3, 4)},
         labels={"mask": channels}, rate=0.5)


def further_movement():
    for shape, axis in (((7,), 0), ((2, 5, 3), 1), ((3, 4), -1)):
        name = f"cumulativeSum/{'x'.join(map(str, shape))}_axis{axis}"
        case(name, "cumulativeSum", lambda x: x.cumsum(axis), {"x": normal(name, *shape)}, axis=axis)
    for padding in ((1, 2, 3, 0), (2, 2, 2, 2)):
        name = f"padReplicate/{padding}"
        case(name, "padReplicate", lambda x: F.pad(x, padding, mode="replicate"), {"x": normal(name, 1, 2, 4, 5)},
             padding=[[0, 0], [0, 0], list(padding[2:]), list(padding[:2])])
    for shape, other in (((3, 4, 5), (3, 5, 2)), ((2, 3, 1, 4), (2, 3, 4, 7))):
        name = f"matmul/batch_{'x'.join(map(str, shape))}"
        case(name, "matmul", torch.matmul, {"a": normal(name + "a", *shape), "b": normal(name + "b", *other)})


def transposed_convolution():
    for label, (channels, outputs, kernel, stride, padding, extra, dilation, groups, bias) in {
        "2x2_stride2": (3, 2, (2, 2), (2, 2), (0, 0), (0, 0), (1, 1), 1, True),
        "3x3_stride2": (2, 3, (3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 1, False),
        "4x4_stride2": (2, 2, (4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1, True),
        "3x2_stride_1_3": (2, 2, (3, 2), (1, 3), (1, 0), (0, 2), (1, 1), 1, False),
        "dilated": (2, 2, (3, 3), (1, 1), (2, 2), (0, 0), (2, 2), 1, False),
        "groups": (4, 6, (3, 3), (2, 2), (1, 1), (0, 0), (1, 1), 2, True),
    }.items():
        name = f"transposedConv2d/{label}"
        inputs = {"x": normal(name + "x", 2, channels, 4, 3),
                  "weight": normal(name + "w", channels, outputs // groups, *kernel)}
        if bias:
            inputs["bias"] = normal(name + "b", outputs)
        case(name, "transposedConv2d",
             lambda x, w, b=None: F.conv_transpose2d(x, w, b, stride, padding, extra, groups, dilation), inputs,
             stride=stride, padding=padding, outputPadding=extra, dilation=dilation, groups=groups)


def group_normalization():
    for shape, groups in (((2, 4, 3, 3), 2), ((1, 6, 5), 3), ((3, 4, 2, 2), 1)):
        name = f"groupNorm/{'x'.join(map(str, shape))}_{groups}"
        case(name, "groupNorm", lambda x, w, b: F.group_norm(x, groups, w, b),
             {"x": normal(name, *shape), "weight": positive(name + "w", shape[1]), "bias": normal(name + "b", shape[1])},
             groups=groups)
    for shape, kept in (((3, 5), (5,)), ((2, 3, 4), (3, 4))):
        name = f"layerNorm/{'x'.join(map(str, shape))}"
        case(name, "layerNorm", lambda x, w, b: F.layer_norm(x, kept, w, b),
             {"x": normal(name, *shape), "weight": positive(name + "w", *kept), "bias": normal(name + "b", *kept)})


def sampling():
    for edge in ("zeros", "border", "reflection"):
        for mode in ("nearest", "bilinear"):
            for align in (False, True):
                name = f"gridSample/{mode}_{edge}{'_aligned' * align}"
                grid = 0.8 * normal(name + "g", 2, 3, 4, 2)
                case(name, "gridSample",
                     lambda x, g: F.grid_sample(x, g, mode=mode, padding_mode=edge, align_corners=align),
                     {"x": normal(name, 2, 3, 4, 5), "grid": grid}, interpolation=mode, edge=edge, alignCorners=align)
    for kernel, stride, padding, dilation in (((3, 3), (1, 1), (1, 1), (1, 1)), ((3, 2), (1, 2), (2, 0), (2, 1))):
        name = f"unfold/{kernel[0]}x{kernel[1]}"
        case(name, "unfold", lambda x: F.unfold(x, kernel, dilation, padding, stride), {"x": normal(name, 2, 2, 7, 6)},
             kernel=kernel, stride=stride, padding=padding, dilation=dilation)


def views():
    """Images of two views: how little they resemble each other, and where the pixels of one fall in the other."""

    def mean(x):
        return F.avg_pool2d(x, 3, 1)

    def photometric(x, y, structure):
        a, b = F.pad(x, (1, 1, 1, 1), "reflect"), F.pad(y, (1, 1, 1, 1), "reflect")
        va, vb, vab = mean(a * a) - mean(a) ** 2, mean(b * b) - mean(b) ** 2, mean(a * b) - mean(a) * mean(b)
        ssim = (2 * mean(a) * mean(b) + 1e-4) * (2 * vab + 9e-4) / (
            (mean(a) ** 2 + mean(b) ** 2 + 1e-4) * (va + vb + 9e-4))
        unlike = ((1 - ssim) / 2).clamp(0, 1)
        return (structure * unlike + (1 - structure) * (x - y).abs()).mean(1, keepdim=True)

    for label, shape in {"image": (2, 3, 7, 9), "smallest": (1, 1, 2, 2), "three": (1, 2, 3, 3)}.items():
        name = f"photometricError/{label}"
        case(name, "photometricError", lambda x, y: photometric(x, y, 0.85),
             {"x": 0.5 + 0.2 * normal(name, *shape), "y": 0.5 + 0.2 * normal(name + "y", *shape)})
        name = f"structuralDissimilarity/{label}"
        case(name, "structuralDissimilarity",
             lambda x, y: torch.stack([photometric(a[None], b[None], 1.0)[0, 0] for a, b in zip(
                 x.flatten(0, 1)[:, None], y.flatten(0, 1)[:, None])]).reshape(x.shape),
             {"x": 0.5 + 0.2 * normal(name, *shape), "y": 0.5 + 0.2 * normal(name + "y", *shape)})

    def places(depth, camera, rotation, translation):
        count, _, height, width = depth.shape
        fx, fy, cx, cy = (camera.detach()[:, k, None, None] for k in range(4))
        v, u = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
        rays = torch.stack([(u - cx) / fx, (v - cy) / fy, torch.ones(count, height, width).double()], 1)
        points = torch.einsum("nij,njhw->nihw", rotation, rays * depth) + translation[:, :, None, None]
        z = points[:, 2].clamp(min=1e-3)
        x, y = points[:, 0] / z * fx + cx, points[:, 1] / z * fy + cy
        return torch.stack([x * 2 / (width - 1) - 1, y * 2 / (height - 1) - 1], 3)

    for label, offset in {"ahead": 0.0, "some_behind": -3.0}.items():
        name = f"viewPlaces/{label}"
        rotation = torch.eye(3) + 0.1 * normal(name + "r", 2, 3, 3)
        translation = 0.3 * normal(name + "t", 2, 3) + torch.tensor([0.0, 0.0, offset])
        camera = torch.tensor([[6.0, 7.0, 4.5, 2.5], [5.0, 5.5, 3.5, 3.0]])
        case(name, "viewPlaces", places,
             {"depth": 4 * positive(name, 2, 1, 6, 9), "intrinsics": camera, "rotation": rotation,
              "translation": translation})


def regression():
    shape = (2, 3, 5)
    for reduction in ("none", "sum", "mean"):
        pair = {"prediction": distinct("regression", *shape), "target": normal("regression/target", *shape)}
        case(f"l1Loss/{reduction}", "l1Loss", lambda p, t: F.l1_loss(p, t, reduction=reduction), pair,
             reduction=reduction)
        case(f"l2Loss/{reduction}", "l2Loss", lambda p, t: F.mse_loss(p, t, reduction=reduction), pair,
             reduction=reduction)
        case(f"smoothL1Loss/{reduction}", "smoothL1Loss",
             lambda p, t: F.smooth_l1_loss(p, t, reduction=reduction, beta=0.7), pair, reduction=reduction, beta=0.7)
        logits = {"logits": 3 * normal("bce", *shape), "targets": torch.rand(shape, generator=generator("bce/t"))}
        case(f"binaryCrossEntropy/{reduction}", "binaryCrossEntropy",
             lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction=reduction), logits, reduction=reduction)
        weighted = logits | {"weight": positive("bce/w", 5), "positiveWeight": positive("bce/p", 3, 1)}
        case(f"binaryCrossEntropy/{reduction}_weighted", "binaryCrossEntropy",
             lambda x, t, w, p: F.binary_cross_entropy_with_logits(
                 x, t, w.detach(), reduction=reduction, pos_weight=p.detach()),
             weighted, reduction=reduction)

    far = {"logits": torch.tensor([-90.0, -30.0, -17.0, 17.0, 30.0, 90.0]),
           "targets": torch.tensor([1.0, 0.25, 0.0, 1.0, 0.75, 0.0])}
    case("binaryCrossEntropy/far", "binaryCrossEntropy",
         lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"), far, reduction="none")
    image = {"logits": 2 * normal("bce/image", 2, 3, 5, 4), "targets": normal("bce/hard", 2, 3, 5, 4).gt(0).float(),
             "weight": positive("bce/each", 2, 3, 5, 4), "positiveWeight": positive("bce/classes", 3, 1, 1)}
    for reduction in ("none", "mean"):
        case(f"binaryCrossEntropy/image_{reduction}", "binaryCrossEntropy",
             lambda x, t, w, p: F.binary_cross_entropy_with_logits(
                 x, t, w.detach(), reduction=reduction, pos_weight=p.detach()), image, reduction=reduction)


def choosing():
    for shape, index, axis in [
        ((7,), (5,), 0), ((3, 4), (5, 4), 0), ((3, 4), (2, 6), 1), ((2, 5, 3), (2, 4, 3), -2),
        ((4, 3, 2, 5), (3, 7, 1, 4), 1), ((3, 2), (0, 2), 0),
    ]:
        name = f"gather/{'x'.join(map(str, shape))}_at_{'x'.join(map(str, index))}_axis{axis}"
        case(name, "gather", lambda x, i: torch.gather(x, axis, i), {"x": normal(name, *shape)},
             labels={"index": integers(name, shape[axis], *index)}, axis=axis)

    for shape, axis, count in [((5,), 0, 7), ((3, 4), -1, 6), ((2, 5, 3), 1, 4), ((2, 5, 3), 0, 0)]:
        name = f"indexSelect/{'x'.join(map(str, shape))}_axis{axis}"
        case(name, "indexSelect", lambda x, i: x.index_select(axis, i), {"x": normal(name, *shape)},
             labels={"index": integers(name, shape[axis], count)}, axis=axis)

    for shape, axis, count in [((5,), 0, 7), ((3, 4), -1, 6), ((2, 5, 3), 1, 4), ((2, 5, 3), 0, 0)]:
        name = f"indexAdd/{'x'.join(map(str, shape))}_axis{axis}"
        source = list(shape)
        source[axis] = count
        case(name, "indexAdd", lambda x, source, i: x.index_add(axis, i, source),
             {"x": normal(name, *shape), "source": normal(name + "source", *source)},
             labels={"index": integers(name, shape[axis], count)}, axis=axis)

    for shape, classes, axis in [((2, 3, 5), 4, 1), ((7,), 3, 1), ((2, 3), 5, -1)]:
        name = f"oneHot/{'x'.join(map(str, shape))}_axis{axis}"
        labels = integers(name, classes + 1, *shape)
        labels[labels == classes] = 255

        def columns(labels):
            known = labels != 255
            y = F.one_hot(torch.where(known, labels, 0), classes) * known.unsqueeze(-1)
            return y.movedim(-1, axis).double()

        case(name, "oneHot", columns, {}, labels={"labels": labels}, differentiable=False, classes=classes, axis=axis,
             ignoreIndex=255)

    def ordered(name, operation, function, x, **options):
        def both(x):
            values, indices = function(x)
            return {"values": values, "indices": indices}

        case(name, operation, both, {"x": x}, **options)

    for shape, axis in [((7,), 0), ((2, 5, 3), 1), ((3, 4), -1), ((2, 3, 17, 5), 2)]:
        spelled = f"{'x'.join(map(str, shape))}_axis{axis}"
        for descending in (False, True):
            name = f"sort/{spelled}{'_descending' * descending}"
            # Few different values: many are equal.
            ordered(name, "sort", lambda x: torch.sort(x, dim=axis, descending=descending, stable=True),
                    torch.round(2 * normal(name, *shape)) / 2, axis=axis, descending=descending)
        for k in (1, 3):
            name = f"topK/{spelled}_{k}"
            ordered(name, "topK", lambda x: torch.topk(x, k, dim=axis), distinct(name, *shape), axis=axis, k=k)
    hole = torch.tensor([1.0, -math.inf, math.nan, -2.0, math.inf, 0.5])
    unordered = {"differentiable": False, "nan_intended": True, "axis": 0}
    for descending in (False, True):
        ordered(f"sort/nan{'_descending' * descending}", "sort",
                lambda x: torch.sort(x, descending=descending, stable=True), hole, descending=descending, **unordered)
    ordered("topK/nan", "topK", lambda x: torch.topk(x, 3), hole, k=3, **unordered)

    for label, shape, kernel, stride, padding, dilation, ceil in [
        ("2x2", (2, 3, 6, 4), (2, 2), (2, 2), (0, 0), (1, 1), False),
        ("stem", (1, 3, 13, 7), (3, 3), (2, 2), (1, 1), (1, 1), False),
        ("ceil", (1, 2, 6, 4), (3, 3), (2, 2), (0, 0), (1, 1), True),
        ("ceil_padded", (2, 1, 7, 8), (3, 3), (3, 3), (1, 1), (1, 1), True),
        ("ceil_but_in_the_padding", (1, 1, 5, 5), (2, 2), (3, 3), (1, 1), (1, 1), True),
        ("dilated", (1, 2, 7, 9), (3, 3), (1, 1), (1, 1), (2, 2), False),
        ("dilated_ceil", (1, 2, 9, 6), (2, 2), (2, 3), (0, 0), (3, 1), True),
    ]:
        for operation in ("maxPool2d", "maxPool2dWithIndices"):
            if operation == "maxPool2d" and label in ("2x2", "stem"):
                continue
            name = f"{operation}/{label}"
            with_indices = operation != "maxPool2d"

            def pooled(x):
                y = F.max_pool2d(x, kernel, stride, padding, dilation, ceil, return_indices=with_indices)
                return {"values": y[0], "indices": y[1]} if with_indices else y

            case(name, operation, pooled, {"x": distinct(name, *shape)}, kernel=kernel, stride=stride, padding=padding,
                 dilation=dilation, ceilMode=ceil)


def small_matrices():
    def turned(x):
        a, b, c = x.unbind(1)
        zero = torch.zeros_like(a)
        cross = torch.stack([zero, -c, b, c, zero, -a, -b, a, zero], 1).reshape(-1, 3, 3)
        return torch.linalg.matrix_exp(cross)
    for label, count in {"one": 1, "batch": 7}.items():
        case(f"axisAngle/{label}", "axisAngle", turned, {"x": normal("axisAngle/" + label, count, 3)})
    for label, shape in {"one": (3, 3), "batch": (5, 3, 3), "batches": (2, 3, 3, 3), "none": (0, 3, 3)}.items():
        x = normal("matrix3/" + label, *shape)
        case(f"inverse3x3/{label}", "inverse3x3", torch.linalg.inv, {"x": x})

        def factor(x):
            u, _, vh = torch.linalg.svd(x)
            return u @ vh

        def rotation(x):
            u, _, vh = torch.linalg.svd(x)
            ones = torch.ones(x.shape[:-2])
            return u @ torch.diag_embed(torch.stack([ones, ones, torch.linalg.det(u @ vh).sign()], -1)) @ vh

        case(f"polarFactor3x3/{label}", "polarFactor3x3", factor, {"x": x}, isRotation=False)
        case(f"polarFactor3x3/{label}_rotation", "polarFactor3x3", rotation, {"x": x}, isRotation=True)

        def squares(x):
            """U and V squared, element by element, and s below them: what the signs of the columns do not change."""
            u, s, vh = torch.linalg.svd(x)
            return torch.cat([u.square(), vh.mT.square(), s.unsqueeze(-2)], -2)

        case(f"svd3x3/{label}", "svd3x3", squares, {"x": x})


def remaining():
    case("flip/columns", "flip", lambda x: x.flip(-1), {"x": normal("flip", 2, 3, 5)}, axis=-1)
    case("flip/rows", "flip", lambda x: x.flip(1), {"x": normal("flip/rows", 2, 3, 5)}, axis=1)
    for before, after in [((3, 1), (2, 3, 5)), ((), (2, 2)), ((1,), (4,))]:
        name = f"broadcast/to_{'x'.join(map(str, after))}"
        case(name, "broadcast", lambda x: x.expand(after), {"x": normal(name, *before)}, shape=after)
    for bias in (False, True):
        name = f"linear/5_to_2{'_bias' * bias}"
        inputs = {"x": normal(name, 3, 5), "weight": normal(name + "w", 2, 5)}
        case(name, "linear", F.linear, inputs | ({"bias": normal(name + "b", 2)} if bias else {}))


def implicit():
    def sampled(maps, rows, columns):
        return sum(x[:, :, r][:, :, :, c] for x, r, c in zip(maps, rows, columns))

    def network(x, y, bias, w1, b1, w2, b2, rows, columns):
        hidden = torch.relu(sampled((x, y), rows, columns) + bias[:, None, None])
        hidden = torch.relu(torch.einsum("oi,nihw->nohw", w1, hidden) + b1[:, None, None])
        return torch.einsum("oi,nihw->nohw", w2, hidden) + b2[:, None, None]

    rows, columns = [[0, 0, 1, 3, 3], [1, 0, 1, 1, 0]], [[4, 0, 2, 2, 1, 0, 3], [0, 2, 1, 1, 0, 2, 2]]
    maps = {"a": normal("sampled/a", 2, 3, 4, 5), "b": normal("sampled/b", 1, 3, 2, 3)}
    case("sampledSum/grid", "sampledSum", lambda a, b: sampled((a, b), rows, columns), maps, rows=rows, columns=columns)
    layers = {"bias": normal("implicit/bias", 3), "w1": normal("implicit/w1", 9, 3), "b1": normal("implicit/b1", 9),
              "w2": normal("implicit/w2", 4, 9), "b2": normal("implicit/b2", 4)}
    case("implicitNetwork/grid", "implicitNetwork", lambda *x: network(*x, rows, columns), maps | layers, rows=rows,
         columns=columns)


def panoptic():
    def peaks(scores, threshold, window):
        """Pixels above the threshold that are the largest of their window, by falling score."""
        largest = F.max_pool2d(scores[None], window, 1, window // 2)[0]
        places = torch.nonzero((scores == largest) & (scores > threshold))[:, 1:]
        order = torch.argsort(scores[0][places[:, 0], places[:, 1]], descending=True, stable=True)
        return places[order]

    def grid(height, width):
        return torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")).double()

    def heatmaps(centers, offsets, things, slots, limit, sigma, threshold, window):
        n, _, height, width = centers.shape
        images = []
        for image in range(n):
            found = peaks(centers[image].detach(), threshold, window)[:limit]
            maps = [torch.zeros(height, width, dtype=centers.dtype)] * slots
            for slot, (y, x) in enumerate(found.tolist()):
                reached = grid(height, width) + offsets[image] - torch.tensor([y, x]).double()[:, None, None]
                gaussian = torch.exp(-reached.square().sum(0) / (2 * sigma**2))
                maps[slot] = gaussian * things[image, 0] * centers[image, 0, y, x].clamp(0, 1)
            images.append(torch.stack(maps))
        return torch.stack(images)

    rules = dict(slots=4, limit=3, sigma=1.5, threshold=0.1, window=3)
    inputs = {"centers": 0.25 * distinct("heatmaps/centers", 2, 1, 5, 6), "offsets": normal("heatmaps/offsets", 2, 2, 5, 6),
              "things": positive("heatmaps/things", 2, 1, 5, 6)}
    case("instanceHeatmaps/three_of_four", "instanceHeatmaps", lambda *x: heatmaps(*x, **rules), inputs, **rules)

    def selected(p, things, slots, limit):
        """The queries whose largest output is a thing's, by that output falling, one a slot."""
        score, best = p.max(2)
        is_thing = torch.isin(best, torch.tensor(things))
        order = torch.argsort(torch.where(is_thing, score, -math.inf), dim=1, descending=True, stable=True)[:, :limit]
        taken = F.one_hot(order, p.shape[1]).double() * is_thing.gather(1, order)[..., None]
        return F.pad(taken, (0, 0, 0, slots - taken.shape[1]))

    for label, shape, things, slots, limit in [
        ("two_of_three", (2, 7, 6), [2, 4], 3, 2), ("more_than_there_are", (1, 4, 4), [1, 2], 6, 6)]:
        name = f"querySelection/{label}"
        rules = dict(things=things, slots=slots, limit=limit)
        case(name, "querySelection", lambda p: selected(p, **rules), {"p": torch.softmax(distinct(name, *shape), 2)},
             differentiable=False, **rules)

    def grouped(centers, offsets, semantic, things, threshold, window, most, stuff_area):
        height, width = semantic.shape
        found = peaks(centers[None], threshold, window)[:most]
        found = found[torch.argsort(found[:, 0] * width + found[:, 1])]
        reached = (grid(height, width) + offsets).permute(1, 2, 0).reshape(-1, 2)
        nearest = torch.cdist(reached, found.double()).argmin(1).reshape(height, width) + 1
        is_thing = torch.isin(semantic, torch.tensor(things))
        owner = torch.where(is_thing, nearest, 0)
        labels = torch.full_like(semantic, 255)
        for thing in owner.unique().tolist():
            if thing > 0:
                labels[owner == thing] = torch.mode(semantic[owner == thing]).values
        for label in semantic.unique().tolist():
            region = (semantic == label) & ~is_thing
            if label != 255 and region.sum() >= stuff_area:
                labels[region] = label
        return (labels * 1000 + owner).double()

    semantic = torch.randint(0, 6, (9, 13), generator=generator("grouping"))
    semantic[0, :5] = 255
    rules = dict(things=[3, 4, 5], threshold=0.1, window=3, most=5, stuff_area=20)
    inputs = {"centers": distinct("grouping/centers", 9, 13), "offsets": 2 * normal("grouping/offsets", 2, 9, 13)}
    case("groupInstances/five_centres", "groupInstances", lambda c, o, s: grouped(c, o, s, **rules), inputs,
         labels={"labels": semantic}, differentiable=False, **rules)


def attention():
    def attended(q, k, v, heads, *parameters):
        weights, biases = parameters[0::2], parameters[1::2]
        y, _ = F.multi_head_attention_forward(
            *(x.transpose(0, 1) for x in (q, k, v)), q.shape[2], heads, None, torch.cat(biases[:3]), None, None, False,
            0.0, weights[3], biases[3], training=False, need_weights=False, use_separate_proj_weight=True,
            q_proj_weight=weights[0], k_proj_weight=weights[1], v_proj_weight=weights[2])
        return y.transpose(0, 1)

    for label, images, queries, keys, channels, heads in [("two_heads", 2, 3, 5, 6, 2), ("one_head", 1, 4, 4, 3, 1)]:
        name = f"multiHeadAttention/{label}"
        rows = {"q": (images, queries, channels), "k": (images, keys, channels), "v": (images, keys, channels)}
        parameters = {f"{part}_{kind}": shape for part in ("q_proj", "k_proj", "v_proj", "out_proj")
                      for kind, shape in (("weight", (channels, channels)), ("bias", (channels,)))}
        inputs = {role: normal(f"{name}/{role}", *shape) for role, shape in (rows | parameters).items()}
        case(name, "multiHeadAttention", lambda q, k, v, *rest: attended(q, k, v, heads, *rest), inputs, heads=heads)


def boundaries():
    def solved(a, b):
        return torch.linalg.solve((a + a.mT) / 2, b)

    for label, shape in {"one": (5,), "batch": (7, 3), "batches": (2, 3, 8), "none": (0, 4)}.items():
        name, k = f"solveSymmetric/{label}", shape[-1]
        a = 0.2 * normal(name, *shape, k) + 2 * torch.eye(k)
        case(name, "solveSymmetric", solved, {"a": a, "b": normal(name + "/b", *shape)})

    shape = (2, 1, 5, 7)
    target = torch.rand(shape, generator=generator("boundaries/target")).lt(0.3).float()
    counted = torch.rand(shape, generator=generator("boundaries/counted")).lt(0.8).float()
    maps = {"logits": 2 * normal("boundaries", *shape), "target": target, "counted": counted}

    def balanced(x, t, c):
        t, c = t.detach(), c.detach()
        share = (t * c).sum() / c.sum()
        losses = F.binary_cross_entropy_with_logits(x, t, reduction="none")
        return (losses * torch.where(t > 0, 1 - share, share) * c).sum() / c.sum()

    def dice(x, t, c):
        p, t = x.sigmoid() * c.detach(), (t * c).detach()
        return 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)

    case("balancedBoundaryEntropy/counted", "balancedBoundaryEntropy", balanced, maps)
    case("boundaryDice/counted", "boundaryDice", dice, maps)
    depth = counted * (1 + 30 * torch.rand(shape, generator=generator("boundaries/depth")))
    case("logDepthLoss/known", "logDepthLoss",
         lambda x, d: (x - d.detach().clamp(min=1e-9).log())[d > 0].abs().mean(),
         {"logDepth": distinct("boundaries/log", *shape), "depth": depth})

    def matrices(x, transform):
        """The matrices that coefficients stand for: units of 0.4, log 1.25 and 15 degrees, or entries beside those of I."""
        if transform in ("affine", "homography"):
            entries = F.pad(x, (0, 9 - x.shape[1])) + torch.eye(3).double().reshape(9)
            return entries.reshape(-1, 3, 3)
        angle = x[:, 4] * math.pi / 12 if x.shape[1] > 4 else torch.zeros_like(x[:, 0])
        zero, one = torch.zeros_like(angle), torch.ones_like(angle)
        turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).reshape(-1, 2, 2)
        linear = turn * (x[:, None, 2:4] * math.log(1.25)).exp()
        upper = torch.cat([linear, 0.4 * x[:, :2, None]], 2)
        return torch.cat([upper, torch.stack([zero, zero, one], 1)[:, None]], 1)

    def geodesic(x, transform):
        theta = matrices(x, transform)
        u, _, vh = torch.linalg.svd(theta)
        flip = torch.stack([torch.ones(len(x)), torch.ones(len(x)), torch.linalg.det(u @ vh).detach()], 1).double()
        rotation = u @ torch.diag_embed(flip) @ vh
        cosine = (rotation.diagonal(dim1=1, dim2=2).sum(1) - 1) / 2
        return cosine.acos() + 0.1 * (theta - rotation).square().sum((1, 2))

    for transform, count in {"shiftScale": 4, "shiftScaleRotation": 5, "affine": 6, "homography": 8}.items():
        name = f"transformDistance/{transform}"
        x = 0.3 * normal(name, 6, count)
        case(name + "_euclidean", "transformDistance", lambda x: x.norm(dim=1), {"x": x}, transform=transform,
             isGeodesic=False)
        case(name + "_geodesic", "transformDistance", lambda x: geodesic(x, transform), {"x": x}, transform=transform,
             isGeodesic=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    elementwise(), reductions(), movement(), convolution(), pooling()
    normalization(), softmax(), cross_entropy(), segmentation_losses(), resize()
    further_elementwise(), further_movement(), transposed_convolution(), group_normalization(), regression()
    sampling(), views()
    choosing(), small_matrices(), remaining(), implicit(), panoptic(), attention(), boundaries()

    intended = {"crossEntropy/all_ignored_mean", "sort/nan", "sort/nan_descending", "topK/nan"}
    broken = {name.rsplit("/", 1)[0] for name, tensor in tensors.items() if tensor.isnan().any()}
    assert broken == intended, broken ^ intended

    save_file(tensors, HERE / "operations.safetensors")
    (HERE / "operations.safetensors").chmod(0o644)
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "operations.json").write_text(f"[\n{lines}\n]\n")
    written = sum((HERE / name).stat().st_size for name in ("operations.safetensors", "operations.json"))
    assert written < 2_000_000, f"{written} bytes"
    print(f"{len(cases)} cases, {len(tensors)} tensors, {written} bytes")
