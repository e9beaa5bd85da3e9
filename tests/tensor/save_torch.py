"""Saves state dicts, checkpoints and tensors with PyTorch, in both formats, for check_files.py to compare.

    python3 save_torch.py FOLDER

Exit status 77: there is no PyTorch."""

import os
import sys
import warnings

try:
    import torch
    from torch import nn
except ImportError:
    print("PyTorch is not installed")
    sys.exit(77)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.bn = nn.BatchNorm2d(8)
        self.lstm = nn.LSTM(5, 7, 2)
        self.attention = nn.MultiheadAttention(16, 4)
        self.embedding = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embedding.weight
        self.register_buffer("index", torch.arange(5))


def trained(net):
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, amsgrad=True)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    sum((p**2).sum() for p in net.parameters()).backward()
    optimizer.step()
    return {"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}


def objects():
    torch.manual_seed(0)
    net, x = Net(), torch.arange(24.0).reshape(2, 3, 4)
    counts = {"epoch": 3, "loss": 0.1, "best": None, "noise": torch.get_rng_state()}
    yield "checkpoint", {"model": net.state_dict(), **trained(net), **counts}
    for name in "float16 bfloat16 float32 float64 uint8 int8 int16 int32 int64 bool uint16 uint32 uint64".split():
        dtype = getattr(torch, name, None)  # the last three are new
        if dtype:
            yield name, {"x": (x * 3 - 20 * (dtype.is_floating_point)).to(dtype), "scalar": torch.tensor(1).to(dtype)}
    expanded = torch.ones(2, 1).expand(2, 3)
    yield "views", {"t": x.transpose(0, 2), "part": x[:, 1:, ::2], "same": x, "expanded": expanded, "one": x[1, 2, 3]}
    yield "parameters", [nn.Parameter(x), (torch.empty(0, 2), {7: x + 1})]
    attributes = nn.Parameter(torch.ones(3))
    attributes.comment = "of a parameter"
    yield "attributes", {"p": attributes}
    yield "values", {"shape": x.shape, "device": torch.device("cpu"), "list": [1, True, "h\u00e9", -0.5], "dtype": torch.float32}
    yield "refused_module", net
    yield "refused_complex", {"x": torch.complex(x, x)}
    yield "refused_sparse", {"x": torch.eye(3).to_sparse()}


def main():
    warnings.simplefilter("ignore")
    for name, x in objects():
        for archive in [False, True]:
            for protocol in [2, 4, 5]:
                path = "%s_%s_%d.pt" % (name, "archive" if archive else "old", protocol)
                torch.save(x, os.path.join(sys.argv[1], path), _use_new_zipfile_serialization=archive, pickle_protocol=protocol)


if __name__ == "__main__":
    main()
