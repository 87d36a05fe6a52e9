"""Single matrix products and convolutions in PyTorch, on the shapes of ONNX nodes: how fast can they be?

Lines of JSON: {"op": "Gemm", "inputs": [[100, 784], [784, 1200]], "transA": 0, ...} is answered by {"ms": ...}, the
least of many runs. Convolutions are timed in both layouts of memory, and the faster counts.
"""

import json
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError as error:
    print(json.dumps({"missing": str(error)}), flush=True)
    sys.exit(0)

LEAST_RUNS = 10
TIMING_S = 0.2


def say(**line):
    print(json.dumps(line), flush=True)


def measure(work):
    """The least milliseconds that a function took."""
    times = []
    begin = time.perf_counter()
    while len(times) < LEAST_RUNS or time.perf_counter() - begin < TIMING_S:
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return min(times)


def multiply(node, first, second, *bias):
    a = first.mT if node.get("transA") else first
    b = second.mT if node.get("transB") else second
    if bias:
        return measure(lambda: torch.addmm(bias[0], a, b))
    return measure(lambda: torch.matmul(a, b))


def convolve(node, x, kernel, *bias):
    top, left, bottom, right = node.get("pads", [0, 0, 0, 0])
    transposed = node["op"] == "ConvTranspose"
    if (top, left) != (bottom, right):
        if transposed:
            raise ValueError("uneven pads of a ConvTranspose")
        x, top, left = F.pad(x, (left, right, top, bottom)), 0, 0
    apply = F.conv_transpose2d if transposed else F.conv2d
    options = {"stride": node.get("strides", 1), "padding": (top, left), "groups": node.get("group", 1)}
    if transposed:
        options["output_padding"] = node.get("output_padding", 0)

    def in_layout(layout):
        rows, filters = x.contiguous(memory_format=layout), kernel.contiguous(memory_format=layout)
        return measure(lambda: apply(rows, filters, *bias, **options))

    return min(in_layout(layout) for layout in (torch.contiguous_format, torch.channels_last))


def main():
    torch.set_num_threads(int(sys.argv[1]))
    torch.set_grad_enabled(False)
    say(ready=torch.__version__)
    for line in sys.stdin:
        node = json.loads(line)
        inputs = [torch.rand(shape) * 2 - 1 for shape in node["inputs"]]
        say(ms=(convolve if node["op"].startswith("Conv") else multiply)(node, *inputs))


try:
    main()
except Exception as error:  # it belongs to whoever started this, in one line
    say(error=f"{type(error).__name__}: {error}".split("\n")[0])
    sys.exit(1)
