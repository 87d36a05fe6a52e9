"""Training steps of ganx's two networks in PyTorch: the peer that `npm run bench -- train` takes turns with.

The same step as src/train/step.ts makes (arXiv:1406.2661, Algorithm 1, k = 1): fresh z and real images, D descends;
fresh z, G descends; then the moving average of G. Written as a PyTorch user who wants speed writes it: the layout of
images and the form of Adam are chosen by a trial on this machine, or left as they come in the mode `default`. It knows
nothing of whom it is compared with. Lines of JSON: it says once what it is, then answers {"steps": n} with
{"ms": ..., "cpuMs": ..., "lossD": ...}, and {"profile": n} with {"operatorMs": {...}}.
"""

import argparse
import itertools
import json
import math
import sys
import time
import warnings

try:
    import torch
    import torch.nn.functional as F
    from torch import nn
except ImportError as error:
    print(json.dumps({"missing": str(error)}), flush=True)
    sys.exit(0)

LEAK = 0.2
# Forms of Adam; `default` is what PyTorch takes when nobody says anything.
ADAM = {"default": {}, "fused": {"fused": True}, "foreach": {"foreach": True}}
PIECES = 5
KERNEL = {"kernel_size": 4, "stride": 2, "padding": 1}


def glorot(linear, outputs):
    """Uniform in +-sqrt(6 / (in + out)), biases 0."""
    span = math.sqrt(6 / (linear.in_features + outputs))
    nn.init.uniform_(linear.weight, -span, span)
    nn.init.zeros_(linear.bias)
    return linear


class Maxout(nn.Module):
    """An affine map to units x pieces, then the largest of each unit's pieces."""

    def __init__(self, inputs, units):
        super().__init__()
        self.affine = nn.Linear(inputs, units * PIECES)
        self.units = units
        glorot(self.affine, units)

    def forward(self, x):
        return self.affine(x).view(-1, PIECES, self.units).max(1).values


class Shape(nn.Module):
    """[B, features] <-> [B, C, H, W]; channels_last is a view of rows that lie as H, W, C."""

    def __init__(self, shape, channels_last):
        super().__init__()
        self.shape, self.channels_last = shape, channels_last

    def forward(self, x):
        if x.dim() == 4:
            return (x.permute(0, 2, 3, 1) if self.channels_last else x).flatten(1)
        channels, height, width = self.shape
        if self.channels_last:
            return x.view(-1, height, width, channels).permute(0, 3, 1, 2)
        return x.view(-1, channels, height, width)


def build_mlp(image, width, latents):
    """G 100-1200-1200-784, D maxout 240x5 twice, dropout that keeps 0.8 of the pixels and 0.5 of the units."""
    pixels, units = math.prod(image), round(width / PIECES)
    generator = nn.Sequential(
        glorot(nn.Linear(latents, width), width),
        nn.ReLU(),
        glorot(nn.Linear(width, width), width),
        nn.ReLU(),
        glorot(nn.Linear(width, pixels), pixels),
        nn.Sigmoid(),
    )
    discriminator = nn.Sequential(
        nn.Dropout(0.2),
        Maxout(pixels, units),
        nn.Dropout(0.5),
        Maxout(units, units),
        nn.Dropout(0.5),
        glorot(nn.Linear(units, 1), 1),
    )
    return generator, discriminator


def build_dcgan(image, width, latents, channels_last):
    """G doubles the size from 4x4 or 7x7, halving the channels; D mirrors it."""
    size, _, channels = image
    base = 7 if size % 7 == 0 else 4
    doublings = int(math.log2(size / base))
    widths = [width * 2**level for level in range(doublings)]
    widest = widths[-1]
    features = (widest, base, base)
    generator = [
        nn.Linear(latents, math.prod(features), bias=False),
        Shape(features, channels_last),
        nn.BatchNorm2d(widest),
        nn.ReLU(),
    ]
    for wide, narrow in zip(widths[:0:-1], widths[-2::-1]):
        generator += [nn.ConvTranspose2d(wide, narrow, bias=False, **KERNEL), nn.BatchNorm2d(narrow), nn.ReLU()]
    generator += [nn.ConvTranspose2d(width, channels, **KERNEL), nn.Tanh()]
    discriminator = [nn.Conv2d(channels, width, **KERNEL), nn.LeakyReLU(LEAK)]
    for narrow, wide in zip(widths, widths[1:]):
        discriminator += [nn.Conv2d(narrow, wide, bias=False, **KERNEL), nn.BatchNorm2d(wide), nn.LeakyReLU(LEAK)]
    discriminator += [Shape(features, channels_last), nn.Linear(math.prod(features), 1)]
    networks = nn.Sequential(*generator), nn.Sequential(*discriminator)
    for module in (module for network in networks for module in network.modules()):
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.02)
    return networks


class Training:
    """One way to train: networks, optimizers, the average of G, and the step."""

    def __init__(self, options, images, layout, adam):
        self.options = options
        self.layout, self.adam = layout, adam
        self.is_mlp = options.model == "mlp"
        self.channels_last = layout == "channels_last"
        self.device = torch.device(options.device)
        if self.is_mlp:
            self.networks = build_mlp(options.image, options.width, options.latents)
            self.images = images.flatten(1)
        else:
            self.networks = build_dcgan(options.image, options.width, options.latents, self.channels_last)
            self.images = images if self.channels_last else images.permute(0, 3, 1, 2).contiguous()
        self.images = self.images.to(self.device)
        for network in self.networks:
            network.to(self.device)
            if self.channels_last:
                network.to(memory_format=torch.channels_last)
        self.generator, self.discriminator = self.networks
        self.optimizers = [
            torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999), eps=1e-7, **ADAM[adam])
            for network in self.networks
        ]
        self.live = [tensor for tensor in self.generator.state_dict().values() if tensor.is_floating_point()]
        self.average = [tensor.clone() for tensor in self.live]
        self.decay = 0.5 ** (options.batch / options.ema_half_life)
        self.order, self.at = self.shuffle(), 0
        self.loss_d, self.loss_g = self.discriminator_loss, self.generator_loss
        if options.mode == "compile":
            self.loss_d, self.loss_g = torch.compile(self.loss_d), torch.compile(self.loss_g)

    def shuffle(self):
        return torch.randperm(len(self.images), device=self.device)

    def take_rows(self):
        """The next real images as uint8, every epoch in a new order."""
        if self.at + self.options.batch > len(self.order):
            self.order, self.at = self.shuffle(), 0
        start, self.at = self.at, self.at + self.options.batch
        return self.images.index_select(0, self.order[start : self.at])

    def draw_latents(self):
        z = torch.empty(self.options.batch, self.options.latents, device=self.device)
        return z.uniform_(-math.sqrt(3), math.sqrt(3)) if self.is_mlp else z.normal_()

    def discriminator_loss(self, rows, z):
        reals = rows.float() / 255 if self.is_mlp else rows.float() / 127.5 - 1
        if self.channels_last:
            reals = reals.permute(0, 3, 1, 2)
        with torch.no_grad():
            fakes = self.generator(z)
        # Apart, since each batch is normalised by itself.
        real, fake = self.discriminator(reals), self.discriminator(fakes)
        loss = 0.5 * (F.softplus(-real).mean() + F.softplus(fake).mean())
        return loss, torch.sigmoid(real.detach()).mean(), torch.sigmoid(fake.detach()).mean()

    def generator_loss(self, z):
        return F.softplus(-self.discriminator(self.generator(z))).mean()

    def step(self):
        """One update of each network; lossD, lossG and D's mean opinion of reals and fakes."""
        optimizer_g, optimizer_d = self.optimizers
        loss_d, d_real, d_fake = self.loss_d(self.take_rows(), self.draw_latents())
        loss_d.backward()
        optimizer_d.step()
        optimizer_d.zero_grad(set_to_none=True)
        self.discriminator.requires_grad_(False)  # G's descent needs no gradient of D's weights
        loss_g = self.loss_g(self.draw_latents())
        loss_g.backward()
        optimizer_g.step()
        optimizer_g.zero_grad(set_to_none=True)
        self.discriminator.requires_grad_(True)
        torch._foreach_lerp_(self.average, self.live, 1 - self.decay)
        return torch.stack([loss_d.detach(), loss_g.detach(), d_real, d_fake])

    def run(self, steps):
        """Wall milliseconds of some steps, and lossD of the first and of the last."""
        start = time.perf_counter()
        losses = torch.stack([self.step() for _ in range(steps)]).tolist()
        return (time.perf_counter() - start) * 1000, losses[0][0], losses[-1][0]


def choose(trainings, rounds=5):
    """The one with the least ms per step, taking turns after two steps each to warm up; its first loss; all the ms."""
    first = {training: training.run(1)[1] for training in trainings}
    for training in trainings:
        training.run(1)
    least = {training: math.inf for training in trainings}
    for _ in range(rounds):
        for training in trainings:
            least[training] = min(least[training], training.run(2)[0] / 2)
    best = min(least, key=least.get)
    return best, first[best], {f"{t.layout} {t.adam}": round(ms, 2) for t, ms in least.items()}


def profile(training, steps):
    """Milliseconds a step that each operator takes by itself, by PyTorch's own profiler."""
    activity = torch.profiler.ProfilerActivity
    on_gpu = training.device.type == "cuda"
    with torch.profiler.profile(activities=[activity.CPU, activity.CUDA] if on_gpu else [activity.CPU]) as profiler:
        training.run(steps)
    times = {}
    for event in profiler.key_averages():
        name = "compiled kernels" if "CompiledFxGraph" in event.key else event.key
        own = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        times[name] = times.get(name, 0) + own / 1000 / steps
    return times


def parse_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["default", "eager", "compile"], required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"], required=True)
    parser.add_argument("--model", choices=["mlp", "dcgan"], required=True)
    parser.add_argument("--image", type=lambda text: [int(part) for part in text.split("x")], required=True)
    parser.add_argument("--images", required=True, help="file of uint8 rows, H x W x C")
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--latents", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--ema-half-life", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    return parser.parse_args()


def say(**line):
    print(json.dumps(line), flush=True)


def main():
    warnings.simplefilter("ignore")
    options = parse_options()
    if options.device == "cuda" and not torch.cuda.is_available():
        say(missing=f"PyTorch {torch.__version__} without a CUDA device")
        return
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    with open(options.images, "rb") as file:
        images = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).view(-1, *options.image)
    layouts = ["rows"] if options.model == "mlp" else ["contiguous", "channels_last"]
    start = time.perf_counter()
    ways = itertools.product(layouts, ["fused", "foreach"])
    if options.mode == "default":
        ways = [(layouts[0], "default")]
    training, first_loss, trial = choose([Training(options, images, *way) for way in ways])
    where = torch.cuda.get_device_name() if options.device == "cuda" else f"{torch.get_num_threads()} threads"
    say(
        description=f"PyTorch {torch.__version__}, {where}, "
        f"{training.layout}, {training.adam} Adam",
        firstLossD=first_loss,
        warmMs=(time.perf_counter() - start) * 1000,
        trialMs=trial,
    )
    for line in sys.stdin:
        request = json.loads(line)
        if "profile" in request:
            say(operatorMs=profile(training, request["profile"]))
        else:
            start = time.process_time()
            ms, _, loss = training.run(request["steps"])
            say(ms=ms, cpuMs=(time.process_time() - start) * 1000, lossD=loss)


try:
    main()
except Exception as error:  # it belongs to whoever started this, in one line
    say(error=f"{type(error).__name__}: {error}".split("\n")[0])
    sys.exit(1)
