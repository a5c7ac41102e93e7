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

"""Does the report of a long evaluation stay small, and quick to open?

Writes recordings of a camera (10 Hz, 320x240 JPEG), an IMU (100 Hz) and a microphone (16 kHz),
decisions of several bundles over them (every 0.5 s, by chance) and the report, then opens it in
Chromium at two sizes and measures, in the page, from the start of loading until the timeline is
drawn, and how long drawing takes again after zooming.

    python benchmarks/report.py [--minutes M] [--recordings N] [--bundles N] [--keep FILE]
                                [--json FILE]

Needs playwright and Debian's chromium. Fails where the file has 15 MB or more, or the timeline
is drawn later than 2 s.
"""

import argparse
from dataclasses import asdict, dataclass
import json
from pathlib import Path
import shutil
import sys
from tempfile import TemporaryDirectory
import time
from typing import Final

import cv2
import numpy as np
from playwright.sync_api import sync_playwright

from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.evaluation.report import MOST_BYTES, write_report
from xmodal_ros.evaluation.scoring import evaluate, evaluate_bag, Evaluation
from xmodal_ros.evaluation.trial import Trial
from xmodal_ros.modalities.audio.decoder import INFO_TYPE, STAMPED_TYPE
from xmodal_ros.modalities.audio.messages import audio_message
from xmodal_ros.modalities.camera.messages import compressed_image_message
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.imu.messages import imu_message
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.runtime.engine import Prediction
from xmodal_ros.runtime.offline import BagPredictions
from xmodal_ros.windows.windowing import WindowingSpec

LATEST_DRAWN_S: Final = 2.0
SIZES: Final = ((1280, 900), (390, 844))
LABELS: Final = tuple(f'activity_{index:02d}' for index in range(20))
SECOND: Final = 1_000_000_000
EPOCH: Final = 1_700_000_000 * SECOND
CAMERA = Sensor('camera', 'camera', '/camera')
IMU = Sensor('imu', 'imu', '/imu')
SOUND = Sensor('microphone', 'audio', '/audio')


@dataclass(frozen=True)
class Opened:
    """One size of the window, and milliseconds."""

    width: int
    height: int
    drawn_after_ms: float
    drawn_again_ms: float


def write_recording(path: Path, minutes: float, seed: int) -> None:
    """Pictures, motion and sound that change all the time, so that they cost what real ones do."""
    rng = np.random.default_rng(seed)
    end_ns = EPOCH + int(60 * minutes * SECOND)
    starts = range(EPOCH, end_ns, 8 * SECOND)
    room = cv2.GaussianBlur(rng.integers(0, 255, (240, 640, 3)).astype(np.uint8), (0, 0), 2)
    info = b'\0\1\0\0\1\0\0\0' + np.array([16_000], '<u4').tobytes() + b'\6\0\0\0S16LE\0\0\0'
    info += np.array([0], '<u4').tobytes() + b'\5\0\0\0wave\0'
    with BagWriter(path, sensors=[CAMERA, IMU, SOUND], subject=path.name) as writer:
        write_segments(
            writer,
            [Segment(s, s + 7 * SECOND, LABELS[i % len(LABELS)]) for i, s in enumerate(starts)],
        )
        writer.write('/audio_info', INFO_TYPE, EPOCH, info, latched=True)
        for step in range(int(60 * minutes * 100)):
            stamp_ns = EPOCH + step * SECOND // 100
            fields = np.zeros(37)
            fields[[13, 14, 15, 25, 26, 27]] = rng.normal(0, 3, 6)
            writer.write(IMU.topic, IMU_TYPE, stamp_ns, imu_message(stamp_ns, 'imu', fields))
            if step % 10:
                continue
            left = step // 4 % 320
            _, jpeg = cv2.imencode('.jpg', room[:, left : left + 320])
            message = compressed_image_message(stamp_ns, 'camera', 'jpeg', jpeg.tobytes())
            writer.write(CAMERA.topic, COMPRESSED_TYPE, stamp_ns, message)
            sound = rng.normal(0, 3000 * (1 + np.sin(step / 50)), 1600).clip(-32768, 32767)
            message = audio_message(stamp_ns, 'microphone', sound.astype('<i2').tobytes())
            writer.write(SOUND.topic, STAMPED_TYPE, stamp_ns, message)


def decide(name: str, paths: list[Path], seed: int) -> Evaluation:
    """Decisions by chance."""
    rng = np.random.default_rng(seed)
    info = BundleInfo.model_construct(
        labels=LABELS,
        window=WindowingSpec(rate_hz=50),
        stream=ImuStream(),
        sensor='imu',
        method='unimodal',
        sources=(),
        weights_sha256='',
        unknown_threshold=0.3,
        temperature=1.0,
        provenance={},
    )
    bags = []
    for path in paths:
        with BagReader(path) as reader:
            ends = range(EPOCH + 2 * SECOND, reader.end_ns, SECOND // 2)
            chances = rng.dirichlet(np.full(len(LABELS), 0.1), len(ends)).tolist()
            predictions = tuple(
                Prediction(
                    end,
                    '',
                    tuple(sorted(zip(LABELS, row, strict=True), key=lambda pair: -pair[1])),
                    tuple(row),
                    1.0,
                )
                for end, row in zip(ends, chances, strict=True)
            )
            bags.append(evaluate_bag(info, reader, 'imu', BagPredictions(predictions, 0, {}, 0)))
    return evaluate(info, bags, name)


def open_in_browser(file: Path) -> list[Opened]:
    """Measure in the page itself, by its own clock."""
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which('chromium'),
            args=['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
        )
        for width, height in SIZES:
            page = browser.new_page(viewport={'width': width, 'height': height})
            page.goto(file.as_uri())
            page.wait_for_selector('body[data-drawn-at]')
            drawn_after_ms = float(page.get_attribute('body', 'data-drawn-at') or 'nan')
            page.wait_for_selector('body[data-ready]')
            page.focus('#rows')
            page.keyboard.press('+')
            page.evaluate('new Promise(done => requestAnimationFrame(done))')
            again_ms = float(page.get_attribute('#rows', 'data-drawn-in') or 'nan')
            found.append(Opened(width, height, drawn_after_ms, again_ms))
            page.close()
        browser.close()
    return found


def main() -> int:
    """Write, open, print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--minutes', type=float, default=60)
    parser.add_argument('--recordings', type=int, default=1)
    parser.add_argument('--bundles', type=int, default=4)
    parser.add_argument('--keep', type=Path, help='keep the report here')
    parser.add_argument('--json', type=Path)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f'recording_{n}' for n in range(options.recordings)]
        for number, path in enumerate(paths):
            write_recording(path, options.minutes, number)
        evaluations = tuple(decide(f'bundle_{n}', paths, n) for n in range(options.bundles))
        file = options.keep or Path(folder) / 'report.html'
        began = time.perf_counter()
        write_report(Trial(evaluations), file, 'by chance')
        written_s = time.perf_counter() - began
        size = file.stat().st_size
        opened = open_in_browser(file)
    print(f'{options.recordings} x {options.minutes:g} min, {options.bundles} bundles')
    print(f'file     {size / 1e6:6.2f} MB (less than {MOST_BYTES / 1e6:g})')
    print(f'written  {written_s:6.1f} s')
    for each in opened:
        print(
            f'opened   {each.drawn_after_ms:6.0f} ms at {each.width}x{each.height} until drawn '
            f'(at most {1e3 * LATEST_DRAWN_S:g}), {each.drawn_again_ms:.0f} ms to draw again'
        )
    if options.json:
        result = {'bytes': size, 'written_s': written_s, 'opened': list(map(asdict, opened))}
        options.json.write_text(json.dumps(result | vars(options), default=str))
    late = any(each.drawn_after_ms > 1e3 * LATEST_DRAWN_S for each in opened)
    return int(late or size >= MOST_BYTES)


if __name__ == '__main__':
    sys.exit(main())
