# Copyright 2026 xmodal_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Write a bundle as an ONNX graph: raw window in, logits out, preprocessing and bank inside."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import hashlib
import json
import logging
import math
from pathlib import Path
from typing import Any, Final
import warnings

import numpy as np
import torch
from torch import Tensor

from xmodal_ros import __version__
from xmodal_ros.errors import BundleError, ConfigurationError, UsageError
from xmodal_ros.files import write_atomic
from xmodal_ros.models.bundle import Bundle
from xmodal_ros.models.configuration_bundle import bundle_sha256
from xmodal_ros.models.golden import read_golden, tolerance
from xmodal_ros.models.onnx_model import (
    BUNDLE_SHA256,
    import_onnx,
    INPUT,
    ONNX_FILE,
    ONNX_HASH,
    OnnxNetwork,
    OUTPUT,
)

# The first that has every operator as torch writes it, GroupNormalization among them.
LEAST_OPSET: Final = 18
LARGEST_OPSET: Final = 23
_RANDOM_WINDOWS: Final = 8


@dataclass(frozen=True)
class Parity:
    """How far an ONNX graph's logits were from torch's: at most ``largest`` over ``windows``.

    ``share`` is the same as a share of what is allowed, which grows with the logits.
    """

    windows: int
    largest: float
    share: float

    @property
    def holds(self) -> bool:
        """Tell whether every window was within what is allowed."""
        return self.share <= 1


def export_onnx(bundle: Bundle, opset: int = LEAST_OPSET) -> bytes:
    """Give the content of an ONNX file that computes what ``bundle``, on the CPU, computes.

    ``window`` (1, steps, ...) of float32 in SI units goes in, ``logits`` (1, classes) come out.
    The labels and all else that a program needs to read them are in its metadata. Raises
    :class:`ConfigurationError` where a package is missing or the opset cannot be written.
    """
    if not LEAST_OPSET <= opset <= LARGEST_OPSET:
        raise UsageError(
            f'opset {opset} cannot be written: choose one from {LEAST_OPSET} to {LARGEST_OPSET}'
        )
    for package in ('onnx', 'onnxscript', 'onnxruntime'):
        import_onnx(package, 'exporting to ONNX')
    example = torch.zeros((1, *bundle.info.window_shape))
    with _silence():
        program = torch.onnx.export(
            _trace(bundle, example),
            (example,),
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=opset,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise ConfigurationError('torch gave no ONNX graph: install torch 2.6 or newer')
    model: Any = program.model_proto
    found = next(entry.version for entry in model.opset_import if not entry.domain)
    if found != opset:
        raise ConfigurationError(
            f'torch wrote opset {found} where {opset} was asked for: choose --opset {found}'
        )
    _forget_sources(model)
    model.producer_name, model.producer_version = 'xmodal_ros', __version__
    for key, value in _metadata(bundle).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    content: bytes = model.SerializeToString()
    return content


def check_parity(bundle: Bundle, content: bytes) -> Parity:
    """Compare an ONNX file with torch over the golden sample, silence and random windows.

    Raises :class:`BundleError` where they differ by more than golden samples may.
    """
    network = OnnxNetwork(content, 'the ONNX file just written')
    largest = share = 0.0
    windows = list(_windows(bundle))
    for window in windows:
        expected, given = bundle.logits(window).numpy(), network(window.numpy())
        error = float(np.abs(given - expected).max())
        # What is no number is no agreement; max() alone would let it pass.
        error = math.inf if math.isnan(error) else error
        largest, share = max(largest, error), max(share, error / tolerance(expected))
    parity = Parity(len(windows), largest, share)
    if not parity.holds:
        raise BundleError(
            f'the ONNX file of {bundle.path} gives logits {largest:.3g} off those of torch, '
            f'{share:.1f} times what is allowed: nothing was written; try another --opset'
        )
    return parity


def write_onnx(bundle: Bundle, content: bytes, file: Path | None = None) -> Path:
    """Write an ONNX file whole or not at all; by default into the bundle, with its hash beside.

    The hash makes it the file that the runtime ``onnx`` runs. Raises
    :class:`ConfigurationError`.
    """
    if file is not None:
        write_atomic(file, content)
        return file
    own = bundle.path / ONNX_FILE
    write_atomic(own, content)
    digest = hashlib.sha256(content).hexdigest()
    write_atomic(bundle.path / ONNX_HASH, f'{digest}  {ONNX_FILE}\n')
    return own


def _windows(bundle: Bundle) -> Iterator[Tensor]:
    """Give the golden window, one of zeros, and random ones of its mean and deviation."""
    golden = torch.from_numpy(read_golden(bundle.path, bundle.info).window).float()
    yield golden[None]
    yield torch.zeros_like(golden)[None]
    generator = torch.Generator().manual_seed(0)
    for number in range(_RANDOM_WINDOWS):
        noise = torch.randn(golden.shape, generator=generator)
        # From an eighth of the golden window's deviation to sixteen times.
        yield (golden.mean() + 2.0 ** (number - 3) * golden.std() * noise)[None]


def _metadata(bundle: Bundle) -> dict[str, str]:
    info = bundle.info
    return {
        BUNDLE_SHA256: bundle_sha256(bundle.path),
        'labels': json.dumps(info.labels, ensure_ascii=False),
        'sensor': info.sensor,
        'stream': info.stream.model_dump_json(),
        'window': info.window.model_dump_json(),
        'temperature': repr(info.temperature),
        'unknown_threshold': repr(info.unknown_threshold),
        'method': info.method,
    }


def _trace(bundle: Bundle, example: Tensor) -> Any:
    traced = torch.export.export(bundle.classifier.eval(), (example,))
    if all(node.target is not torch.ops.aten.cdist.default for node in traced.graph.nodes):
        # The exporter knows what to take apart, and leaves whole what ONNX has, such as a GRU.
        return traced
    table: Any = torch.export.default_decompositions()
    # ONNX has no distances by sums of magnitudes.
    table[torch.ops.aten._cdist_forward.default] = _distance  # noqa: SLF001
    return traced.run_decompositions(table)


def _distance(left: Tensor, right: Tensor, p: float, mode: int | None = None) -> Tensor:
    if p != 1:
        raise NotImplementedError(f'distances of order {p} (mode {mode})')
    return (left[..., :, None, :] - right[..., None, :, :]).abs().sum(-1)


def _forget_sources(model: Any) -> None:
    """Take out where in which folder of this machine each node comes from."""
    graphs: Iterable[Any] = (model.graph, *model.functions)
    for graph in graphs:
        graph.ClearField('doc_string')
        graph.ClearField('metadata_props')
        for node in graph.node:
            node.ClearField('doc_string')
            node.ClearField('metadata_props')
        for value in graph.value_info:
            value.ClearField('metadata_props')


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the exporter's own progress and notes off the terminal: parity is checked after it."""
    loggers = [logging.getLogger(name) for name in ('torch.onnx', 'onnxscript')]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
