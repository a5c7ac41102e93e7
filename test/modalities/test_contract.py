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

"""Every modality holds what all of them must."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from test.messages import EPOCH, image_bytes, imu_bytes, SECOND
from test.sound_bags import audio_bytes
from xmodal_ros.contract.modalities import (
    check_any_bytes,
    check_byte_order,
    check_doubts,
    check_modality,
    check_samples,
    check_windows,
    check_written_samples,
    Example,
    MODALITY_CHECKS,
)
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.checks import Problem
from xmodal_ros.modalities.modality import Modality
from xmodal_ros.modalities.registry import find_modality, modality_names
from xmodal_ros.modalities.skeleton.messages import pose_array_message
from xmodal_ros.modalities.stream import StreamConfig
from xmodal_ros.streams.sample import Sample

RATE_HZ = 16_000


def draw() -> np.random.Generator:
    return np.random.default_rng(0)


def imu_messages() -> list[bytes]:
    values = draw().normal(0, 2, (400, 6))
    return [
        imu_bytes(EPOCH + n * SECOND // 100, row[:3].tolist(), row[3:].tolist())
        for n, row in enumerate(values)
    ]


def pictures(encoding: str, dtype: str) -> list[bytes]:
    frames = draw().integers(1, 200, (60, 24, 32)).astype(dtype)
    return [
        image_bytes(EPOCH + n * SECOND // 15, frame, encoding) for n, frame in enumerate(frames)
    ]


def sound_messages() -> list[bytes]:
    sound = draw().integers(-3000, 3000, (40, RATE_HZ // 10)).astype('<i2')
    return [audio_bytes(EPOCH + n * SECOND // 10, chunk) for n, chunk in enumerate(sound)]


def skeleton_messages() -> list[bytes]:
    joints = draw().normal(0, 0.5, (100, 20, 3))
    return [
        pose_array_message(EPOCH + n * SECOND // 25, 'map', each) for n, each in enumerate(joints)
    ]


def examples() -> dict[str, Example]:
    camera = find_modality('camera')
    return {
        'imu': Example(find_modality('imu'), imu_messages()),
        'camera': Example(camera, pictures('mono8', 'u1')),
        'camera of depth': Example(camera, pictures('16UC1', '<u2')),
        'audio': Example(
            find_modality('audio'),
            sound_messages(),
            audio_format=AudioFormat(RATE_HZ, 1, 'S16LE'),
        ),
        'skeleton': Example(find_modality('skeleton'), skeleton_messages()),
    }


@pytest.mark.parametrize('check', MODALITY_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize('name', examples())
def test_every_modality(name: str, check: Any) -> None:
    check(examples()[name])


def test_there_is_an_example_of_every_modality() -> None:
    assert {each.modality.name for each in examples().values()} == {*modality_names()}


class Broken(type(find_modality('imu'))):  # type: ignore[misc]
    """An IMU that is wrong in one way."""

    name: ClassVar[str] = 'imu'
    wrong = ''

    def make_decoder(self, *given: Any) -> Any:
        decode = super().make_decoder(*given)

        def decoded(data: bytes, received_ns: int = 0) -> Sample:
            if self.wrong == 'raises' and len(data) < 100:
                raise IndexError('unpack')
            if self.wrong == 'order':
                data = data[:1] + b'\1' + data[2:]
            sample: Sample = decode(data, received_ns)
            if self.wrong == 'shape':
                return replace(sample, values=sample.values[:3])
            if self.wrong == 'nan' and (np.frombuffer(data[-8:], '<f8') != sample.values[-1])[0]:
                return replace(sample, values=np.full(6, np.nan))
            if self.wrong == 'memory':
                self.last = 0.9 * getattr(self, 'last', sample.values) + sample.values
                return replace(sample, values=self.last)
            return sample

        return decoded

    def check_contents(self, contents: Any, topic: str) -> Iterator[Problem]:
        remedy = '' if self.wrong == 'speechless' else 'mend it'
        yield Problem('warning', 'wrong', 'it is wrong', remedy)

    def serialize(self, sample: Sample, stream: StreamConfig) -> bytes:
        values = sample.values + (1e-3 if self.wrong == 'writes' else 0)
        message: bytes = super().serialize(replace(sample, values=values), stream)
        return message


@pytest.mark.parametrize(
    ('wrong', 'check'),
    [
        ('raises', check_any_bytes),
        ('nan', check_any_bytes),
        ('order', check_byte_order),
        ('shape', check_samples),
        ('memory', check_windows),
        ('speechless', check_doubts),
        ('writes', check_written_samples),
    ],
)
def test_what_is_wrong_is_found(wrong: str, check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Broken()
    broken.wrong = wrong
    monkeypatch.setattr('xmodal_ros.modalities.registry.find_modality', lambda _name: broken)
    monkeypatch.setattr('xmodal_ros.modalities.intake.find_modality', lambda _name: broken)
    with pytest.raises(AssertionError):
        check(Example(broken, imu_messages()))


def test_all_checks_are_run_by_one_call() -> None:
    check_modality(find_modality('imu'), imu_messages())
    with pytest.raises(AssertionError, match='there are no messages'):
        check_modality(find_modality('imu'), [])


def test_a_modality_that_lacks_something_is_refused_when_it_is_defined() -> None:
    with pytest.raises(TypeError, match='must set'):

        class Nothing(Modality):
            name = 'nothing'
