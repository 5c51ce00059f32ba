"""Five steps of training a tiny network, as PyTorch takes them: training.safetensors, training.json.

    pip install torch safetensors numpy
    python make_training.py

The network, by its state_dict keys:
    conv1   3 → 8, 3×3, stride 2, padding 1, no bias
    bn1     epsilon 1e-5, momentum 0.1; then ReLU
    conv2   8 → 5, 3×3, padding 1, with bias
The loss is the mean cross entropy with ignore index 255. Step i of 5 uses batch i and the rate base · (1 − i / 5)^0.9;
weight decay applies to every parameter.

    batches/<i>/images, batches/<i>/labels     2×3×9×11, and I64 2×5×6
    initial/<key>                              parameters and running statistics before the first step
    first_gradients/<key>                      of the first step, without weight decay
    <run>/losses                               the loss of every step, before the update
    <run>/after1/<key>, <run>/after5/<key>     parameters and running statistics after one and after all steps
    <run>/logits                               of batch 0 at the end, in eval mode

training.json lists the runs with their optimizers' attributes. Initial values and images are float32; everything is
computed in float64 and rounded to float32 once. The script also trains in float32, and makes sure that this stays
near: no ReLU sits on its kink, and no update hangs on a rounding error.
"""

import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

HERE = pathlib.Path(__file__).parent
STEPS = 5

RUNS = {
    "sgd": {"optimizer": "SGD", "rate": 0.1, "momentum": 0.9, "weightDecay": 1e-4, "nesterov": False},
    "sgd_nesterov": {"optimizer": "SGD", "rate": 0.1, "momentum": 0.9, "weightDecay": 1e-4, "nesterov": True},
    "sgd_plain": {"optimizer": "SGD", "rate": 0.1, "momentum": 0.0, "weightDecay": 0.0, "nesterov": False},
    "adam": {"optimizer": "Adam", "rate": 0.01, "betas": [0.9, 0.999], "epsilon": 1e-8, "weightDecay": 1e-4},
    "adamw": {"optimizer": "AdamW", "rate": 0.01, "betas": [0.9, 0.999], "epsilon": 1e-8, "weightDecay": 1e-2},
}


class TinyNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 5, 3, padding=1)

    def forward(self, x):
        return self.conv2(torch.relu(self.bn1(self.conv1(x))))


def optimizer(parameters, run):
    if run["optimizer"] == "SGD":
        return torch.optim.SGD(parameters, run["rate"], momentum=run["momentum"], weight_decay=run["weightDecay"],
                               nesterov=run["nesterov"])
    kind = {"Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}[run["optimizer"]]
    return kind(parameters, run["rate"], betas=run["betas"], eps=run["epsilon"], weight_decay=run["weightDecay"])


def train(initial, batches, run, dtype):
    """The tensors of one run."""
    network = TinyNetwork()
    network.load_state_dict(initial)
    network.to(dtype).train()
    updates = optimizer(network.parameters(), run)
    losses, results = [], {}
    for step, (images, labels) in enumerate(batches):
        for group in updates.param_groups:
            group["lr"] = run["rate"] * (1 - step / STEPS) ** 0.9
        updates.zero_grad()
        loss = F.cross_entropy(network(images.to(dtype)), labels, ignore_index=255)
        loss.backward()
        if step == 0:
            results |= {f"gradients/{key}": p.grad.clone() for key, p in network.named_parameters()}
        updates.step()
        losses.append(loss.detach())
        if step in (0, STEPS - 1):
            results |= {f"after{step + 1}/{key}": t.clone() for key, t in network.state_dict().items()}
    with torch.no_grad():
        results["logits"] = network.eval()(batches[0][0].to(dtype))
    results["losses"] = torch.stack(losses)
    return results


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(20)
    initial = TinyNetwork().state_dict()
    initial["bn1.weight"].uniform_(0.5, 1.5)
    initial["bn1.bias"].uniform_(-0.5, 0.5)
    batches = []
    for _ in range(STEPS):
        labels = torch.randint(5, (2, 5, 6))
        labels[torch.rand(labels.shape) < 0.2] = 255
        batches.append((torch.randn(2, 3, 9, 11), labels))

    tensors = {f"initial/{key}": tensor.clone() for key, tensor in initial.items()}
    for i, (images, labels) in enumerate(batches):
        tensors |= {f"batches/{i}/images": images, f"batches/{i}/labels": labels}
    for name, run in RUNS.items():
        exact, rounded = (train(initial, batches, run, dtype) for dtype in (torch.float64, torch.float32))
        for key, value in exact.items():
            difference = (value - rounded[key]).abs().max() / value.abs().max()
            assert difference < 1e-5, f"{name}/{key} hangs on rounding: {difference}"
            home = key.replace("gradients", "first_gradients") if key.startswith("gradients") else f"{name}/{key}"
            tensors[home] = value.float() if value.is_floating_point() else value
        print(name, [f"{loss:.4f}" for loss in exact["losses"].tolist()])

    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, HERE / "training.safetensors")
    (HERE / "training.safetensors").chmod(0o644)
    lines = ",\n".join(f'"{name}": {json.dumps(run)}' for name, run in RUNS.items())
    (HERE / "training.json").write_text("{\n" + lines + "\n}\n")
