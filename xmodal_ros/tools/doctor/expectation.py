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

"""What a bundle expects of a topic; read without torch, which a robot may lack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xmodal_ros.modalities.registry import StreamSpec
from xmodal_ros.models.configuration_bundle import check_bundle, learnt_statistics
from xmodal_ros.windows.windowing import WindowingSpec


@dataclass(frozen=True)
class Expectation:
    """What a model wants: the stream, and the windows that are cut of it.

    ``statistics`` are of the data that it learnt from, as far as bundle and modality tell them
    (:meth:`~xmodal_ros.modalities.modality.Modality.expected_statistics`), and so is
    ``learnt_rate_hz``, that of messages, 0 where it is not known.
    """

    path: Path
    sensor: str
    labels: tuple[str, ...]
    stream: StreamSpec
    window: WindowingSpec
    statistics: Mapping[str, float] = field(default_factory=dict)
    learnt_rate_hz: float = 0.0

    @property
    def modality(self) -> str:
        """The modality that the model runs on."""
        return self.stream.modality

    def describe(self) -> str:
        """Say it in words for a person."""
        window = self.window
        details = f' ({words})' if (words := self.stream.describe()) else ''
        return (
            f'{self.modality}{details} at {window.rate_hz} Hz, windows of '
            f'{window.length_ns / 1e9:g} s every {window.hop_ns / 1e9:g} s'
        )


def read_expectation(path: Path) -> Expectation:
    """Read what a bundle wants, and check that its files are there and whole.

    The golden sample is not tried: that takes torch, and the node does it when it starts. Raises
    :class:`BundleError`.
    """
    info = check_bundle(path)
    return Expectation(
        path,
        info.sensor,
        info.labels,
        info.stream,
        info.window,
        learnt_statistics(info),
        info.learnt_rate_hz,
    )
