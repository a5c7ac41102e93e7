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

"""What fixed parts of an encoder see of each frame, computed once for all windows and epochs."""

import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray
import torch

from xmodal_ros.data.window_array import InMemoryStream, LazyWindows, Stream, WindowArray
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.frame_encoder import FrameEncoder
from xmodal_ros.non_blocking import to_device
from xmodal_ros.progress import ProgressReporter

# Of frames that are read together.
_PART: Final = 256


class FrameMemory:
    """Windows of frames to windows of their features, by one classifier that is prepared.

    Windows of a stream that overlap share its frames; frames that no window holds are not looked
    at.
    """

    def __init__(self, classifier: Classifier) -> None:
        assert isinstance(classifier.encoder, FrameEncoder)  # noqa: S101 - its recipe says so
        self._encoder = classifier.encoder.eval()
        self._preprocessing = classifier.preprocessing
        self._device = next(classifier.parameters()).device
        self._seen: dict[Stream, tuple[InMemoryStream, NDArray[np.bool_]]] = {}

    def __call__(self, windows: WindowArray, reporter: ProgressReporter, name: str) -> WindowArray:
        """Give the features (N, steps, F) of raw windows (N, steps, height, width, channels).

        ``reporter`` hears how many streams of the sensor ``name`` are done.
        """
        if isinstance(windows, LazyWindows):
            reporter.begin(f'looking at the frames of {name}', windows.stream_count)
            done = itertools.count(1)

            def look(stream: Stream, held: NDArray[np.bool_]) -> Stream:
                seen = self._look_at(stream, held)
                reporter.advance(next(done))
                return seen

            return windows.over(look)
        frames = windows.reshape(-1, *windows.shape[2:])
        return self._features(frames, np.arange(len(frames))).reshape(*windows.shape[:2], -1)

    def _look_at(self, stream: Stream, held: NDArray[np.bool_]) -> Stream:
        seen = self._seen.get(stream)
        known = np.zeros_like(held) if seen is None else seen[1]
        missing = held & ~known
        found = self._features(stream.array(), np.flatnonzero(missing))
        if seen is None:
            values = np.zeros((len(held), found.shape[1]), np.float32)
            seen = self._seen[stream] = (InMemoryStream(values), known)
        seen[0].values[missing] = found
        known |= missing
        return seen[0]

    def _features(
        self, frames: NDArray[np.generic], rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        found = []
        for first in range(0, max(1, len(rows)), _PART):
            part = to_device(torch.from_numpy(frames[rows[first : first + _PART]]), self._device)
            with torch.no_grad():
                preprocessed = self._preprocessing(part[None])[0]
                found.append(self._encoder.look_in_parts(preprocessed).cpu())
        features: NDArray[np.float32] = torch.cat(found).numpy()
        return features
