#!/usr/bin/env python3
"""The four training steps of bench_step in PyTorch, each with the fastest settings on this machine."""
import argparse
import contextlib
import itertools
import json
import math
import os
import resource
import sys
import time

ROWS, PIXELS = 10240, 784
ARCHITECTURES = {"mlp": 128, "burda": 128, "iwae50": 20, "conv": 128}  # name: batch size


def parse():
    def count(text):
        n = int(text)
        if n < 1:
            raise ValueError
        return n

    p = argparse.ArgumentParser(
        description="Prints one JSON object: the best of several rounds of a whole training step with Adam, in microseconds. "
        "Threads, oneDNN and the form of Adam, unless given, are those that were fastest in a trial of each combination."
    )
    p.add_argument("--arch", default="mlp", choices=ARCHITECTURES, help="as of bench_step [mlp]")
    p.add_argument("--batch", type=count, help="images in a batch [128; iwae50: 20]")
    p.add_argument("--threads", type=count, help="[the best of 1, 2, 4, ... and all processors]")
    p.add_argument("--steps", type=count, help="steps in a round [as many as take a tenth of a second]")
    p.add_argument("--rounds", type=count, default=9, help="[9]")
    p.add_argument("--mkldnn", choices=("on", "off"), help="whether oneDNN computes what it can [the better one]")
    p.add_argument("--adam", choices=("plain", "foreach", "fused"), help="[the best one that this version has]")
    p.add_argument("--verbose", action="store_true", help="every trial, on standard error")
    return p.parse_args()


options = parse()
try:
    import torch
except ImportError as missing:
    sys.exit(f"torch_step: {missing}")

from torch import nn
import torch.nn.functional as F


# ---- Models ----


def gaussian(loc, logvar, noise):
    return loc + torch.exp(0.5 * logvar) * noise


def kl_from_standard_normal(loc, logvar):
    return 0.5 * (loc * loc + logvar.exp() - logvar - 1).sum(-1)


def bernoulli_log_prob(logits, x):
    return -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)


class VAE(nn.Module):
    def __init__(self, encoder, width, latent, decoder, samples=1):
        super().__init__()
        self.encoder, self.decoder, self.samples = encoder, decoder, samples
        self.loc, self.logvar = nn.Linear(width, latent), nn.Linear(width, latent)

    def loss(self, x):
        h = self.encoder(x)
        loc, logvar = self.loc(h), self.logvar(h)
        return -(self.elbo if self.samples == 1 else self.iwae)(x, loc, logvar).mean()

    def elbo(self, x, loc, logvar):
        z = gaussian(loc, logvar, torch.randn_like(loc))
        return bernoulli_log_prob(self.decoder(z), x) - kl_from_standard_normal(loc, logvar)

    def iwae(self, x, loc, logvar):
        noise = torch.randn(self.samples, *loc.shape)
        z = gaussian(loc, logvar, noise)
        log_pz_less_log_q = 0.5 * (noise * noise + logvar - z * z).sum(-1)
        log_w = bernoulli_log_prob(self.decoder(z), x) + log_pz_less_log_q
        return torch.logsumexp(log_w, 0) - math.log(self.samples)


def layers(activation, *sizes):
    return [m for a, b in zip(sizes, sizes[1:]) for m in (nn.Linear(a, b), activation())]


def model(arch):
    if arch == "mlp":
        return VAE(
            nn.Sequential(*layers(nn.ReLU, PIXELS, 400)),
            400,
            20,
            nn.Sequential(*layers(nn.ReLU, 20, 400), nn.Linear(400, PIXELS)),
        )
    if arch == "conv":
        encoder = [
            nn.Unflatten(1, (1, 28, 28)),
            nn.Conv2d(1, 32, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 4, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
        ]
        decoder = [
            *layers(nn.ReLU, 20, 3136),
            nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 32, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, 2, 1),
            nn.Flatten(),
        ]
        return VAE(nn.Sequential(*encoder), 3136, 20, nn.Sequential(*decoder))
    return VAE(
        nn.Sequential(*layers(nn.Tanh, PIXELS, 200, 200)),
        200,
        50,
        nn.Sequential(*layers(nn.Tanh, 50, 200, 200), nn.Linear(200, PIXELS)),
        samples=50 if arch == "iwae50" else 1,
    )


# ---- Settings, and steps with them ----

ADAM = {"plain": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}


class Trainer:
    """data is float32 already, which saves PyTorch the conversion from bytes that bench_step's loader makes."""

    def __init__(self, data, threads, mkldnn, adam):
        self.data, self.threads, self.mkldnn, self.adam = data, threads, mkldnn, adam
        torch.manual_seed(0)
        self.model = model(options.arch)
        self.optim = torch.optim.Adam(self.model.parameters(), lr=1e-3, **ADAM[adam])
        self.batch = options.batch or ARCHITECTURES[options.arch]
        self.at = ROWS

    def step(self):
        if self.at + self.batch > ROWS:
            self.order, self.at = torch.randperm(ROWS), 0
        x = self.data[self.order[self.at : self.at + self.batch]]
        self.at += self.batch
        self.optim.zero_grad(set_to_none=True)
        self.model.loss(x).backward()
        self.optim.step()

    def seconds(self, steps):
        torch.set_num_threads(self.threads)
        with torch.backends.mkldnn.flags(enabled=self.mkldnn) if self.mkldnn is not None else contextlib.nullcontext():
            start = time.perf_counter()
            for _ in range(steps):
                self.step()
            return (time.perf_counter() - start) / steps

    def __str__(self):
        mkldnn = "no oneDNN" if self.mkldnn is None else "oneDNN on" if self.mkldnn else "oneDNN off"
        return f"{self.threads} thread{'s' * (self.threads > 1)}, {mkldnn}, {self.adam} Adam"


def candidates():
    processors = int(os.environ.get("OMP_NUM_THREADS", 0)) or len(os.sched_getaffinity(0))
    threads = sorted({1, processors, *(2**i for i in range(10) if 2**i < processors)})
    mkldnn = [True, False] if torch.backends.mkldnn.is_available() else [None]
    chosen = (
        [options.threads] if options.threads else threads,
        [options.mkldnn == "on"] if options.mkldnn else mkldnn,
        [options.adam] if options.adam else list(ADAM),
    )
    data = torch.rand(ROWS, PIXELS)
    for setting in itertools.product(*chosen):
        try:
            trainer = Trainer(data, *setting)
            trainer.seconds(2)
        except (TypeError, ValueError, RuntimeError) as unknown:  # this version has no such Adam, or only for GPUs
            if setting[2] in ("plain", options.adam):
                raise
            if options.verbose:
                print(f"torch_step: no {setting[2]} Adam: {unknown}", file=sys.stderr)
            continue
        yield trainer


def best_of_trials(trainers):
    """Measures all settings in turn, three times, and returns the best time of each."""
    if len(trainers) == 1:
        return trainers[0]
    best = [math.inf] * len(trainers)
    for _ in range(3):
        for i, t in enumerate(trainers):
            best[i] = min(best[i], t.seconds(max(1, min(20, int(0.1 / best[i])))) if best[i] < math.inf else t.seconds(2))
    if options.verbose:
        for seconds, t in sorted(zip(best, map(str, trainers))):
            print(f"torch_step: {seconds * 1e6:10.1f} us  {t}", file=sys.stderr)
    return trainers[min(range(len(trainers)), key=best.__getitem__)]


def main():
    if (options.batch or 1) > ROWS:
        sys.exit(f"torch_step: --batch {options.batch}: there are {ROWS} images")
    trainer = best_of_trials(list(candidates()))
    steps = options.steps or max(1, min(1000, int(0.1 / trainer.seconds(1))))
    seconds = min(trainer.seconds(steps) for _ in range(options.rounds))
    print(
        json.dumps(
            {
                "arch": options.arch,
                "batch": trainer.batch,
                "threads": trainer.threads,
                "mkldnn": "on" if trainer.mkldnn else "off",
                "adam": trainer.adam,
                "us_per_step": round(seconds * 1e6, 1),
                "images_per_second": round(trainer.batch / seconds),
                "peak_rss_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                "kernels": f"PyTorch {torch.__version__}, {trainer}",
            }
        )
    )


if __name__ == "__main__":
    main()
