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

"""A modality that another package brings is examined by what it must say anyhow."""

from collections.abc import Iterator, Mapping
import io
from pathlib import Path
import struct
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from rich.console import Console

from test.messages import EPOCH, header, SECOND, serialize
from test.tools.doctor.robots import codes, DELAY, GOOD, grid, heard, levels, topic
from xmodal_ros import registry
from xmodal_ros.bags.inspection import inspect_bag
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.cli.doctor_page import render_graph
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.modality import Modality, TrainingDefaults
from xmodal_ros.modalities.registry import _by_message_type, find_modality
from xmodal_ros.modalities.stream import StreamConfig
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.placement import Placement
from xmodal_ros.streams.sample import Decoder, Sample
from xmodal_ros.tools.doctor.diagnose import diagnose
from xmodal_ros.tools.doctor.expectation import Expectation
from xmodal_ros.tools.doctor.facts import GraphFacts, TopicFacts
from xmodal_ros.tools.doctor.fit import check_fit
from xmodal_ros.windows.windowing import WindowingSpec

TYPE = 'sensor_msgs/msg/Temperature'
# Within the temperature, after the header.
CUT = 30


class ThermometerStream(StreamConfig):
    """One temperature."""

    modality: Literal['thermometer'] = 'thermometer'

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return (1,)

    @property
    def channel_count(self) -> int:
        """The length of a sample's last axis."""
        return 1


class Thermometer(Modality):
    """A thermometer, which says nothing of the doctor."""

    name: ClassVar[str] = 'thermometer'
    title: ClassVar[str] = 'thermometer'
    message_types: ClassVar[tuple[str, ...]] = (TYPE,)
    Stream: ClassVar[type[StreamConfig]] = ThermometerStream
    topic: ClassVar[str] = 'temperature'

    def make_decoder(
        self,
        stream: StreamConfig,
        msgtype: str,
        placement: Placement,
        audio_format: AudioFormat | None = None,
    ) -> Decoder:
        """Read the temperature."""
        return decode

    def training_defaults(
        self, msgtype: str, first_message: bytes, options: Mapping[str, Any]
    ) -> TrainingDefaults:
        """Resample at 10 Hz."""
        return TrainingDefaults(ThermometerStream(), rate_hz=10, encoder='imu_cnn')


def decode(data: bytes, received_ns: int = 0) -> Sample:
    cursor = CdrCursor(data)
    stamp_ns, frame_id = cursor.header()
    cursor.align(8)
    return Sample(stamp_ns, frame_id, np.array(struct.unpack('<d', cursor.take(8))))


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install it as a package does, by an entry point."""
    package = tmp_path / 'site' / 'thermometer-1.0.dist-info'
    package.mkdir(parents=True)
    (package / 'METADATA').write_text('Metadata-Version: 2.1\nName: thermometer\nVersion: 1.0\n')
    (package / 'entry_points.txt').write_text(
        f'[{registry.MODALITIES}]\nthermometer = {__name__}:Thermometer\n'
    )
    monkeypatch.syspath_prepend(package.parent)
    known = (registry._declared, registry.entries, find_modality, _by_message_type)
    for cached in known:
        cached.cache_clear()
    yield
    monkeypatch.undo()
    for cached in known:
        cached.cache_clear()


def message(stamp_ns: int) -> bytes:
    temperature = TYPESTORE.types[TYPE](
        header=header(stamp_ns, 'nose'), temperature=21.5, variance=0.0
    )
    return serialize(temperature, TYPE)


def thermometer(*, broken: bool = False) -> TopicFacts:
    messages = [(message(t), t + DELAY) for t in grid(10)]
    if broken:
        data, received_ns = messages[20]
        messages[20] = data[:CUT], received_ns
    return topic('/temperature', TYPE, heard(TYPE, messages))


def test_what_holds_of_any_message_is_told() -> None:
    facts = thermometer(broken=True)
    assert facts.modality == 'thermometer'
    assert facts.measurement is not None
    contents = facts.measurement.contents
    assert (contents.looked_at, contents.frame_id) == (40, 'nose')
    assert contents.refused == {'truncated': 1}
    assert contents.details is None
    assert not facts.is_large


def test_a_healthy_one_gives_no_finding_and_a_row_of_the_page() -> None:
    graph = GraphFacts(5.0, nodes=('/driver',), topics=(thermometer(),))
    assert codes(diagnose(GOOD, graph)) == []
    file = io.StringIO()
    Console(file=file, width=200).print(render_graph(graph, ()))
    assert 'frame nose' in file.getvalue()
    assert '10.0 Hz' in file.getvalue()


def test_messages_that_cannot_be_used_are_a_warning() -> None:
    graph = GraphFacts(5.0, nodes=('/driver',), topics=(thermometer(broken=True),))
    assert levels(diagnose(GOOD, graph)) == [('warning', 'refused')]


@pytest.mark.parametrize(('rate_hz', 'expected'), [(10, []), (20, [('warning', 'low-rate')])])
def test_it_is_held_against_what_a_model_expects(
    rate_hz: int, expected: list[tuple[str, str]]
) -> None:
    window = WindowingSpec(rate_hz=rate_hz)
    model = Expectation(Path('/m'), 'nose', ('hot', 'cold'), ThermometerStream(), window)
    assert levels(check_fit(model, thermometer())) == expected
    assert model.describe().startswith(f'thermometer at {rate_hz} Hz')


def test_a_recording_of_it_is_inspected(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        for t in grid(10):
            writer.write('/temperature', TYPE, t, message(t))
        writer.write('/temperature', TYPE, EPOCH + 4 * SECOND, message(EPOCH + 4 * SECOND)[:CUT])
    with BagReader(tmp_path / 'bag') as reader:
        found = inspect_bag(reader)
    assert [(sensor.modality, sensor.topic) for sensor in found.sensors] == [
        ('thermometer', '/temperature')
    ]
    told = [warning for warning in found.warnings if warning.startswith('/temperature')]
    assert told == [
        '/temperature: 1 of 41 messages cannot be decoded (truncated) and will be dropped'
    ]
