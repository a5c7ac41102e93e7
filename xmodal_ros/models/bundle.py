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

"""Write and load bundles, the folders in which classifiers travel from the trainer to a robot.

What one holds is said in :mod:`xmodal_ros.models.configuration_bundle`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
import torch
from torch import Tensor

from xmodal_ros.errors import BundleError
from xmodal_ros.files import publish_folder, Replacement
from xmodal_ros.models.classifier import Classifier, probabilities
from xmodal_ros.models.configuration_bundle import (
    BundleInfo,
    check_bundle,
    DOCUMENT,
    DOCUMENT_SHA256,
    document_sha256,
    file_sha256,
    GOLDEN,
    read_file,
    WEIGHTS,
)
from xmodal_ros.models.cuda_graph import capture, WindowGraph
from xmodal_ros.models.golden import GoldenSample, read_golden
from xmodal_ros.models.precision import computing, Precision
from xmodal_ros.models.replacing import check_replaceable
from xmodal_ros.non_blocking import to_device


class DeviceFullError(BundleError):
    """A bundle does not fit into the memory that its device has free."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """A loaded model, in eval mode on ``device``, and what its document says."""

    path: Path
    info: BundleInfo
    classifier: Classifier
    device: torch.device
    precision: Precision = 'fp32'
    runtime: Literal['torch'] = 'torch'
    # On a GPU, where it could be had.
    graph: WindowGraph | None = None

    @property
    def weights(self) -> Classifier:
        """What computes."""
        return self.classifier

    def probabilities(self, windows: NDArray[Any]) -> NDArray[np.float64]:
        """Give calibrated probabilities (B, classes) of raw windows (B, steps, ...)."""
        logits = self.logits(torch.from_numpy(np.ascontiguousarray(windows)))
        found: NDArray[np.float64] = probabilities(logits, self.info.temperature).numpy()
        return found

    def logits(self, window: Tensor) -> Tensor:
        """Give the logits (B, classes) of raw windows (B, steps, ...) on any device."""
        if self.graph is not None and len(window) == 1:
            return self.graph(window)
        with computing(self.device, self.precision):
            answer: Tensor = self.classifier(to_device(window, self.device))
        return answer

    def with_graph(self, golden: GoldenSample) -> 'Bundle':
        """Give it with a CUDA graph of the forward pass of one window, proved by the golden one.

        As it is where there can be none; the log says why.
        """
        return replace(self, graph=capture(self.logits, golden, self.device, self.precision))


def save_bundle(
    path: Path,
    info: BundleInfo,
    classifier: Classifier,
    golden_window: Tensor,
    notes: Mapping[str, str] | None = None,
) -> BundleInfo:
    """Write a bundle, whole or not at all; gives the document as written.

    ``golden_window`` is one raw window (steps, ...) in SI units. ``notes`` are texts for people,
    by file name, on which nothing depends. A bundle that is there already is replaced in one
    step. Raises :class:`BundleError` when the folder cannot be written.
    """
    classifier.eval()
    weights = {name: t.detach().cpu().contiguous() for name, t in classifier.state_dict().items()}
    with torch.no_grad():
        device = next(classifier.parameters()).device
        logits = classifier(golden_window[None].to(device))[0].cpu()
    with _replacing(path) as folder:
        # Not by safetensors' own writing of files, whose errors do not tell a full disk.
        (folder / WEIGHTS).write_bytes(save(weights))
        written = info.model_copy(update={'weights_sha256': file_sha256(folder / WEIGHTS)})
        content = written.model_dump(mode='json')
        text = json.dumps(content, indent=2, allow_nan=False) + '\n'
        (folder / DOCUMENT).write_text(text, encoding='utf-8')
        golden = {'window': golden_window.contiguous(), 'logits': logits}
        proof = {DOCUMENT_SHA256: document_sha256(content)}
        (folder / GOLDEN).write_bytes(save(golden, proof))
        for name, note in (notes or {}).items():
            (folder / name).write_text(note, encoding='utf-8')
    return written


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a fresh folder beside ``path`` that takes its place when the block succeeds.

    Whoever loads it meanwhile finds the old bundle or the new one.
    """
    check_replaceable(path)
    try:
        with Replacement(path, make_folder=True) as replacement:
            yield replacement.new
            publish_folder(replacement.new)
            replacement.commit()
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> BundleError:
    return BundleError(f'cannot write a bundle at {path}: {error}')


def load_bundle(
    path: Path, device: torch.device | str = 'cpu', precision: Precision = 'fp32'
) -> Bundle:
    """Load a bundle and prove it whole: document, hashes, golden sample on this very device.

    Raises :class:`BundleError` saying what does not hold, and what to do.
    """
    info = check_bundle(path)
    device = torch.device(device)
    try:
        content = read_file(path / WEIGHTS)
        if hashlib.sha256(content).hexdigest() != info.weights_sha256:
            raise BundleError(f'{path / WEIGHTS} changes while it is read: try again later')
        weights = load(content)
        golden = read_golden(path, info)
        classifier = info.make_classifier()
        classifier.load_state_dict(weights)
        bundle = Bundle(path, info, classifier.to(device).eval(), device, precision)
        given = bundle.logits(torch.from_numpy(golden.window)[None])[0].float().cpu().numpy()
        golden.check(path, given, str(device), precision)
        if device.type == 'cuda':
            bundle = bundle.with_graph(golden)
    except torch.OutOfMemoryError as error:
        raise DeviceFullError(
            f'bundle {path} does not fit into the memory of {device} that is free: end another '
            "program there, or choose device 'cpu'"
        ) from error
    except (OSError, SafetensorError, RuntimeError) as error:
        # A mismatch of weights is told in many lines; the first says which bundle, one what.
        words = ' '.join(str(error).split())
        raise BundleError(f'bundle {path} cannot be loaded: {words}') from error
    return bundle
