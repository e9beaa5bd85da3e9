#!/usr/bin/env python3
"""State dicts from PyTorch to Tapestry and back: the side of PyTorch.

usage: exchange.py make FOLDER    writes NAME.pt (the state dict), NAME.case.pt (inputs and outputs in evaluation mode) for
                                  each model
       exchange.py check FOLDER   reads NAME.back.safetensors, which Tapestry wrote, by load_state_dict(strict=True), and
                                  compares all values and the outputs

Ends with status 77 where there is no PyTorch.
"""
import json
import struct
import sys

try:
    import torch
    from torch import nn
except ImportError:
    print("skipped: there is no PyTorch")
    sys.exit(77)

TOLERANCE = 1e-9


class Block(nn.Module):
    """A residual block, with the names of torchvision."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = nn.Sequential(Block(8, 8, 1), Block(8, 8, 1))
        self.layer2 = nn.Sequential(Block(8, 16, 2), Block(16, 16, 1))
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = self.layer2(self.layer1(torch.relu(self.bn1(self.conv1(x)))))
        return self.fc(x.mean((2, 3)))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 7)
        self.lstm = nn.LSTM(7, 11, num_layers=2, dropout=0.3)
        self.out = nn.Linear(11, 20)

    def forward(self, x):
        return self.out(self.lstm(self.embedding(x))[0])


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 16)
        self.position = nn.Parameter(torch.randn(9, 1, 16))
        encoder = nn.TransformerEncoderLayer(16, 4, 32)
        decoder = nn.TransformerDecoderLayer(16, 4, 32)
        self.encoder = nn.TransformerEncoder(encoder, 2, nn.LayerNorm(16), enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(decoder, 2, nn.LayerNorm(16))
        self.out = nn.Linear(16, 20)

    def forward(self, source, target):
        memory = self.encoder(self.embedding(source) + self.position[: len(source)])
        mask = nn.Transformer.generate_square_subsequent_mask(len(target))
        y = self.decoder(self.embedding(target) + self.position[: len(target)], memory, tgt_mask=mask, tgt_is_causal=True)
        return self.out(y)


def cases():
    """Pairs of a model and its inputs; the same in each run."""
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(1)
    yield "resnet", ResNet(), [torch.randn(5, 3, 12, 12)]
    yield "lstm", Lstm(), [torch.randint(20, (9, 4))]
    yield "transformer", Transformer(), [torch.randint(20, (9, 3)), torch.randint(20, (6, 3))]


def train(model, inputs):
    """A few steps, so that running statistics, their counts and the weights are no longer the initial ones."""
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    for _ in range(3):
        optimizer.zero_grad()
        model(*inputs).square().mean().backward()
        optimizer.step()


def make(folder):
    for name, model, inputs in cases():
        train(model, inputs)
        model.eval()
        with torch.no_grad():
            case = {f"in{i}": x for i, x in enumerate(inputs)} | {"out": model(*inputs).contiguous()}
        torch.save(model.state_dict(), f"{folder}/{name}.pt")
        torch.save(case, f"{folder}/{name}.case.pt")


def read_safetensors(path):
    dtypes = {"F64": torch.float64, "F32": torch.float32, "I64": torch.int64}
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        tensors[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=dtypes[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def check(folder):
    failed = 0
    for name, model, _ in cases():
        model.load_state_dict(read_safetensors(f"{folder}/{name}.back.safetensors"), strict=True)
        model.eval()
        expected = torch.load(f"{folder}/{name}.pt")
        changed = [key for key, value in model.state_dict().items() if not torch.equal(value, expected[key])]
        case = torch.load(f"{folder}/{name}.case.pt")
        inputs = [case[f"in{i}"] for i in range(len(case) - 1)]
        with torch.no_grad():
            error = (model(*inputs) - case["out"]).abs().max().item()
        print(f"{name}: state dict back in PyTorch, {len(changed)} tensors changed, outputs differ by {error:.1e}")
        failed += bool(changed) or not error <= TOLERANCE
    return failed


if len(sys.argv) != 3 or sys.argv[1] not in ("make", "check"):
    sys.exit(__doc__)
sys.exit(make(sys.argv[2]) if sys.argv[1] == "make" else check(sys.argv[2]))
