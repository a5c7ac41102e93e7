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

"""Evaluations with known decisions over recordings that hold all kinds of sensors."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from test.bundles import LABELS, make_imu_bundle
from test.messages import compressed_bytes, EPOCH, imu_bytes, SECOND
from test.recordings import clips, IMU, IMU_TYPE
from test.sound_bags import audio_bytes, info_bytes, MICROPHONE
from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.evaluation.agreement import compare
from xmodal_ros.evaluation.comparison import compare_bundles
from xmodal_ros.evaluation.scoring import evaluate, evaluate_bag, Evaluation, LiveRun
from xmodal_ros.evaluation.selection import select
from xmodal_ros.evaluation.trial import Trial
from xmodal_ros.modalities.audio.decoder import INFO_TYPE, STAMPED_TYPE
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.runtime.engine import Prediction
from xmodal_ros.runtime.offline import BagPredictions

CAMERA = Sensor('camera', 'camera', '/camera', 'camera_link')
_RATE_HZ = 8000
_CHUNK = 800


def write_sensed_bag(
    path: Path,
    labels: Sequence[str] = (*LABELS, 'sit'),
    *,
    sensors: Sequence[Sensor] = (CAMERA, IMU, MICROPHONE),
    subject: str = '1',
    noise: bool = False,
    clip_s: int = 5,
) -> Path:
    """A camera that grows brighter by the second, an IMU that swings, a microphone that hums.

    With ``noise`` the pictures hold nothing but that, so they cannot be compressed.
    """
    segments = clips(labels, seconds=clip_s)
    end_ns = segments[-1].end_ns + SECOND
    rng = np.random.default_rng(0)
    with BagWriter(path, sensors=sensors, subject=subject) as writer:
        write_segments(writer, segments)
        writer.write('/audio_info', INFO_TYPE, EPOCH, info_bytes(rate=_RATE_HZ), latched=True)
        for stamp_ns in range(EPOCH, end_ns, SECOND // 20):
            seconds = (stamp_ns - EPOCH) / SECOND
            if IMU in sensors:
                acc = (3 * np.sin(6 * seconds), 1.0, 9.81)
                writer.write(IMU.topic, IMU_TYPE, stamp_ns, imu_bytes(stamp_ns, acc))
            if CAMERA in sensors and stamp_ns % (SECOND // 4) == 0:
                shade = min(250, 10 * int(seconds))
                picture = np.full((60, 80, 3), shade, np.uint8)
                if noise:
                    picture = rng.integers(0, 255, (120, 160, 3)).astype(np.uint8)
                _, data = cv2.imencode('.jpg', picture)
                message = compressed_bytes(stamp_ns, data.tobytes())
                writer.write(CAMERA.topic, COMPRESSED_TYPE, stamp_ns, message)
            if MICROPHONE in sensors and stamp_ns % (SECOND // 10) == 0:
                times = seconds + np.arange(_CHUNK) / _RATE_HZ
                hum = 3000 * np.sin(2 * np.pi * 440 * times)
                writer.write(MICROPHONE.topic, STAMPED_TYPE, stamp_ns, audio_bytes(stamp_ns, hum))
    return path


def decide(info: BundleInfo, path: Path, name: str, mistakes: Sequence[int]) -> Evaluation:
    """Decide every window rightly with 0.9, but those of the clips ``mistakes`` wrongly with 0.8.

    Windows of no clip are the first activity, with 0.5.
    """
    with BagReader(path) as reader:
        nothing = BagPredictions((), 0, {}, 0)
        empty = evaluate_bag(info, reader, IMU.name, nothing)
        hop_ns, first_ns = info.window.hop_ns, reader.start_ns + info.window.length_ns
        ends = range(-(-first_ns // hop_ns) * hop_ns, reader.end_ns, hop_ns)
        whose = _segments_of(info, reader, ends)
        predictions = tuple(
            _prediction(info, end, empty.segments[clip].label if clip >= 0 else None,
                        wrong=clip in mistakes)
            for end, clip in zip(ends, whose, strict=True)
        )  # fmt: skip
        bag = evaluate_bag(info, reader, IMU.name, BagPredictions(predictions, 400, {}, 0))
    return evaluate(info, [bag], name)


def run_live(evaluation: Evaluation) -> Evaluation:
    """Add a live run that is equal to the offline one."""
    bags = tuple(
        replace(
            bag,
            live=LiveRun(
                predictions=bag.offline.predictions,
                latencies_s=tuple(0.002 + 0.0001 * (i % 30) for i in range(len(bag.truth))),
                sent=400,
                received=400,
                drops={},
                agreement=compare(bag.offline.predictions, bag.offline.predictions),
                rate=1.0,
            ),
        )
        for bag in evaluation.bags
    )
    return replace(evaluation, bags=bags)


def imu_info(folder: Path) -> BundleInfo:
    """What an IMU's bundle says of itself; labels as those of the recordings."""
    return load_bundle(make_imu_bundle(folder)).info


def a_trial(folder: Path) -> Trial:
    """Two bundles over one recording: the first is wrong in clip 1, the second in clips 0 and 2.

    The first ran live too; the selector chose between them.
    """
    info, path = imu_info(folder / 'bundle'), write_sensed_bag(folder / 'bag')
    evaluations = (
        run_live(decide(info, path, 'first', [1])),
        decide(info, path, 'second', [0, 2]),
    )
    chosen = select(evaluations, {'first': 0.9, 'second': 0.6}, 'fuse')
    return Trial(evaluations, chosen, compare_bundles(evaluations))


def _segments_of(info: BundleInfo, reader: BagReader, ends: Sequence[int]) -> tuple[int, ...]:
    blank = tuple(Prediction(end, '', (('unknown', 1.0),), (), 0.0) for end in ends)
    return evaluate_bag(info, reader, IMU.name, BagPredictions(blank, 0, {}, 0)).truth


def _prediction(info: BundleInfo, end_ns: int, label: str | None, *, wrong: bool) -> Prediction:
    best = 0 if label is None or label not in info.labels else info.labels.index(label)
    best = (best + wrong) % len(info.labels)
    confidence = 0.5 if label is None else 0.8 if wrong else 0.9
    rest = (1 - confidence) / (len(info.labels) - 1)
    chances = tuple(confidence if i == best else rest for i in range(len(info.labels)))
    ranked = sorted(zip(info.labels, chances, strict=True), key=lambda pair: -pair[1])
    return Prediction(end_ns, 'imu_link', tuple(ranked), chances, 1.0)
