"""The engine: one window in, one decision out, always as a batch of one.

Batches of other sizes give other last bits, so evaluation runs this very code (DESIGN: offline
evaluation equals live replay).
"""

from dataclasses import dataclass
import math
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.models.classifier import probabilities
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.onnx_model import ONNX
from xmodal_ros.models.precision import Precision
from xmodal_ros.windows.assembler import Window

_WARM_UP_RUNS: Final = 3
_MIB: Final = 1 << 20


@dataclass(frozen=True)
class Prediction:
    """What the classifier says of the window that ends at ``stamp_ns``.

    ``scores`` pairs every class with its score as it is published: the decision first.
    ``probabilities`` follow the bundle's labels, and are empty where the window had too little
    evidence to be classified.
    """

    stamp_ns: int
    frame_id: str
    scores: tuple[tuple[str, float], ...]
    probabilities: tuple[float, ...]
    coverage: float

    @property
    def label(self) -> str:
        """The decision: an activity's name, or ``unknown``."""
        return self.scores[0][0]


def choose_device(name: str) -> torch.device:
    """Turn ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` into a device that is there.

    Raises :class:`ConfigurationError` when the device named is not. ``onnx`` is none of torch's:
    :func:`xmodal_ros.runtime.loading.load_model` takes it too.
    """
    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    if name == ONNX:
        raise ConfigurationError(
            "device 'onnx' runs a model that is finished; here 'auto', 'cpu', 'cuda' or 'cuda:N' "
            'is needed'
        )
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device('meta')
    if device.type == 'cpu':
        # There is one, whatever number it is given.
        return torch.device('cpu')
    if device.type != 'cuda':
        raise ConfigurationError(f"device {name!r} is none of 'auto', 'cpu', 'cuda', 'cuda:N'")
    if (device.index or 0) >= torch.cuda.device_count():
        raise ConfigurationError(
            f'device {name!r} is not there ({torch.cuda.device_count()} CUDA devices are): '
            "use 'auto' or 'cpu'"
        )
    return device


def make_deterministic() -> None:
    """Set what makes arithmetic repeat: one thread, no TF32. Call once a process that infers."""
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


class LoadedModel(Protocol):
    """A bundle that can answer: with its weights in torch, or with its ONNX file."""

    @property
    def path(self) -> Path:
        """The bundle's folder."""

    @property
    def info(self) -> BundleInfo:
        """What the bundle says of itself."""

    @property
    def device(self) -> torch.device | str:
        """Where it computes."""

    @property
    def precision(self) -> Precision:
        """In which precision it computes."""

    def logits(self, window: Tensor) -> Tensor:
        """Give the logits (1, classes) of one raw window (1, steps, ...)."""


class Engine:
    """Classify windows with one bundle."""

    def __init__(self, bundle: LoadedModel, unknown_threshold: float | None = None) -> None:
        self.bundle = bundle
        self.unknown_threshold = (
            bundle.info.unknown_threshold if unknown_threshold is None else unknown_threshold
        )

    def memory(self) -> dict[str, str]:
        """Say how much memory the device has, and how much of it this process uses, in words."""
        device = self.bundle.device
        if not isinstance(device, torch.device) or device.type != 'cuda':
            return {}
        free, total = torch.cuda.mem_get_info(device)
        used = torch.cuda.memory_reserved(device)
        return {
            'device memory': f'{used / _MIB:.0f} MiB used here, {free / _MIB:.0f} MiB of '
            f'{total / _MIB:.0f} MiB free'
        }

    def warm_up(self) -> None:
        """Run a few windows of zeros, so that the first real one is not the slow one."""
        zeros = torch.zeros((1, *self.bundle.info.window_shape))
        for _ in range(_WARM_UP_RUNS):
            self.bundle.logits(zeros)

    def classify(self, window: Window) -> Prediction:
        """Decide on one window; one with too little coverage is ``unknown`` without a guess."""
        info = self.bundle.info
        if window.coverage < info.window.min_coverage:
            return _undecided(window)
        values = torch.from_numpy(np.ascontiguousarray(window.values))[None]
        logits = self.bundle.logits(values)[0]
        chances = tuple(probabilities(logits, info.temperature).tolist())
        if not all(map(math.isfinite, chances)):
            # Weights that overflow say nothing; a made-up score must not look like one.
            return _undecided(window)
        ranked = sorted(zip(info.labels, chances, strict=True), key=lambda pair: -pair[1])
        best = ranked[0][1]
        if not best >= self.unknown_threshold:
            ranked.insert(0, (UNKNOWN, 1.0 - best))
        return Prediction(window.end_ns, window.frame_id, tuple(ranked), chances, window.coverage)


def _undecided(window: Window) -> Prediction:
    return Prediction(window.end_ns, window.frame_id, ((UNKNOWN, 1.0),), (), window.coverage)
