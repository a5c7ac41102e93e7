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

"""What does it cost to cut a data set's windows into the cache, and how much memory?

    python benchmarks/dataset_cache.py [--gigabytes G] [--jobs N] [--folder DIR] [--json FILE]

Bags with a raw camera (640x480 bgr8, 30 Hz) and an IMU (90 Hz) are written, one gigabyte each,
and removed afterwards. The bare loop reads a bag with rosbags, decodes each message as a robot
does and scales each image; ours cuts all windows at the density of training and keeps them. Both
are one process, in turn for each bag, and begin with the bag out of the page cache; the ratio is
that of their times over all bags, by the clock and by CPU, for a machine that does other things.
Then the whole data set is cut anew by N processes while the
resident memory of all of them together is sampled, and read back as training reads it.

Fails where ours is slower than 70 % of the bare loop's speed, or takes more than 2 GB of memory.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
import json
import os
from pathlib import Path
import shutil
import sys
import tempfile
import threading
import time
from typing import Final

import numpy as np
from rich.console import Console
from rosbags.rosbag2 import Reader, StoragePlugin, Writer

sys.path.insert(0, str(Path(__file__).parents[1]))

from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.configuration.data_options import DataOptions
from xmodal_ros.data.build import build_recordings
from xmodal_ros.data.cache import StreamCache
from xmodal_ros.data.cutting import CutSpec
from xmodal_ros.data.recording import read_facts, RecordingWindows
from xmodal_ros.modalities.camera.stream import CameraStream, IMAGE_TYPE
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.registry import make_decoder
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

SPEED_TARGET: Final = 0.7
MEMORY_TARGET_BYTES: Final = 2 * 10**9
_WIDTH, _HEIGHT = 640, 480
_IMAGE_BYTES = _WIDTH * _HEIGHT * 3
_START_NS = 1_700_000_000 * SECOND_NS
_HOP_NS = SECOND_NS // 4
WAYS: Final[dict[str, CutSpec]] = {
    'camera': (
        CameraStream(pixels='gray', height=30, width=40),
        WindowingSpec(length_ns=3 * SECOND_NS, rate_hz=8, margin_ns=SECOND_NS // 8).model_copy(
            update={'hop_ns': _HOP_NS}
        ),
    ),
    'imu': (
        ImuStream(),
        WindowingSpec(length_ns=3 * SECOND_NS, rate_hz=50).model_copy(update={'hop_ns': _HOP_NS}),
    ),
}


def write_bag(path: Path, seed: int, size: int) -> None:
    """Write a recording of about ``size`` bytes, uncompressed as robots record."""
    types = TYPESTORE.types
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 255, _IMAGE_BYTES + 4096, np.uint8)
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        camera = writer.add_connection('/camera', IMAGE_TYPE, typestore=TYPESTORE)
        imu = writer.add_connection('/imu', IMU_TYPE, typestore=TYPESTORE)
        text = writer.add_connection('/activity_label', 'std_msgs/msg/String', typestore=TYPESTORE)

        def header(stamp_ns: int) -> object:
            seconds, rest = divmod(stamp_ns, SECOND_NS)
            stamp = types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=rest)
            return types['std_msgs/msg/Header'](stamp=stamp, frame_id='robot')

        vector = types['geometry_msgs/msg/Vector3']
        for frame in range(max(1, size // _IMAGE_BYTES)):
            stamp_ns = _START_NS + frame * SECOND_NS // 30
            if frame % 300 == 0:
                label = types['std_msgs/msg/String'](data=f'activity_{frame // 300 % 5}')
                data = TYPESTORE.serialize_cdr(label, 'std_msgs/msg/String')
                writer.write(text, stamp_ns, bytes(data))
            first = int(rng.integers(0, 4096))
            image = types[IMAGE_TYPE](
                header=header(stamp_ns),
                height=_HEIGHT,
                width=_WIDTH,
                encoding='bgr8',
                is_bigendian=0,
                step=3 * _WIDTH,
                data=noise[first : first + _IMAGE_BYTES],
            )
            writer.write(camera, stamp_ns, bytes(TYPESTORE.serialize_cdr(image, IMAGE_TYPE)))
            for sample in range(3):
                at_ns = stamp_ns + sample * SECOND_NS // 100
                message = types[IMU_TYPE](
                    header=header(at_ns),
                    orientation=types['geometry_msgs/msg/Quaternion'](x=0, y=0, z=0, w=1),
                    orientation_covariance=np.zeros(9),
                    angular_velocity=vector(*rng.normal(size=3)),
                    angular_velocity_covariance=np.zeros(9),
                    linear_acceleration=vector(*rng.normal(size=3)),
                    linear_acceleration_covariance=np.zeros(9),
                )
                writer.write(imu, at_ns, bytes(TYPESTORE.serialize_cdr(message, IMU_TYPE)))


def forget(path: Path) -> None:
    """Drop a bag from the page cache, as far as the system does so."""
    for file in path.iterdir():
        handle = os.open(file, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def bare(path: Path) -> None:
    """Read, decode and scale every message of a bag."""
    decoders = {
        '/camera': make_decoder(WAYS['camera'][0], IMAGE_TYPE),
        '/imu': make_decoder(WAYS['imu'][0], IMU_TYPE),
    }
    with Reader(path) as reader:
        wanted = [each for each in reader.connections if each.topic in decoders]
        for connection, _, data in reader.messages(wanted):
            decoders[connection.topic](data)


def ours(path: Path, cache: Path) -> None:
    """Cut a bag into the cache, in this process."""
    facts = read_facts(path, lambda _: tuple(WAYS))
    build_recordings([facts], WAYS, DataOptions(cache, 1))


@contextmanager
def memory_of_all() -> Iterator[list[int]]:
    """Sample the resident bytes of this process and its children; the list holds the peak."""
    peak, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            peak[0] = max(peak[0], sum(map(_resident, [os.getpid(), *_children(os.getpid())])))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for tasks in Path(f'/proc/{pid}/task').glob('*/children'):
        try:
            own = [int(word) for word in tasks.read_text().split()]
        except OSError:
            continue
        found += [each for child in own for each in (child, *_children(child))]
    return found


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf('SC_PAGE_SIZE')


def measure(folder: Path, gigabytes: float, jobs: int, console: Console) -> dict[str, float]:
    """Make the bags, measure, and give the figures."""
    count = max(1, round(gigabytes))
    size = int(gigabytes * 10**9 / count)
    bags = [folder / f'bag_{number}' for number in range(count)]
    for number, path in enumerate(bags):
        write_bag(path, number, size)
    total = sum(file.stat().st_size for path in bags for file in path.iterdir())
    console.print(f'{count} bags, {total / 1e9:.2f} GB')
    times = dict.fromkeys(('bare', 'ours', 'bare_cpu', 'ours_cpu'), 0.0)
    for number, path in enumerate(bags):
        for side in ('bare', 'ours') if number % 2 else ('ours', 'bare'):
            forget(path)
            begun, begun_cpu = time.perf_counter(), time.process_time()
            bare(path) if side == 'bare' else ours(path, folder / 'alone')
            times[side] += time.perf_counter() - begun
            times[f'{side}_cpu'] += time.process_time() - begun_cpu
    cache = StreamCache(folder / 'cache')
    for path in bags:
        forget(path)
    with memory_of_all() as peak:
        begun = time.perf_counter()
        facts = [read_facts(path, lambda _: tuple(WAYS)) for path in bags]
        found = build_recordings(facts, WAYS, DataOptions(cache.folder, jobs))
        together = time.perf_counter() - begun
        read = 0
        for each in found:
            if not isinstance(each, RecordingWindows):
                raise TypeError(each.reason)
            for windows in each.windows.values():
                for first in range(0, len(windows.values), 256):
                    read += len(windows.values[first : first + 256])
    return {
        'bags_bytes': total,
        'bare_s': times['bare'],
        'ours_s': times['ours'],
        'ratio': times['bare'] / times['ours'],
        'bare_cpu_s': times['bare_cpu'],
        'ours_cpu_s': times['ours_cpu'],
        'cpu_ratio': times['bare_cpu'] / times['ours_cpu'],
        'jobs': jobs,
        'together_s': together,
        'peak_resident_bytes': peak[0],
        'cache_bytes': cache.size_bytes(),
        'windows': read,
    }


def main() -> int:
    """Measure and print; give the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--gigabytes', type=float, default=2.0)
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--folder', type=Path, help='where the bags are written for the time')
    parser.add_argument('--json', type=Path)
    options = parser.parse_args()
    console = Console()
    free = shutil.disk_usage(options.folder or tempfile.gettempdir()).free
    if free < 1.2e9 * options.gigabytes:
        console.print(f'{free / 1e9:.1f} GB are free, which is too little')
        return 1
    with tempfile.TemporaryDirectory(prefix='dataset-cache-', dir=options.folder) as name:
        figures = measure(Path(name), options.gigabytes, options.jobs, console)
    console.print(
        f'bare loop {figures["bare_s"]:.1f} s, ours {figures["ours_s"]:.1f} s: '
        f'[bold]{figures["ratio"]:.0%}[/] of its speed, by CPU time '
        f'[bold]{figures["cpu_ratio"]:.0%}[/] (at least {SPEED_TARGET:.0%})'
    )
    console.print(
        f'{options.jobs} processes: {figures["together_s"]:.1f} s, peak resident memory of all '
        f'[bold]{figures["peak_resident_bytes"] / 1e9:.2f} GB[/] (at most '
        f'{MEMORY_TARGET_BYTES / 1e9:.0f} GB); {figures["windows"]} windows in '
        f'{figures["cache_bytes"] / 1e6:.1f} MB of cache'
    )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + '\n')
    met = min(figures['ratio'], figures['cpu_ratio']) >= SPEED_TARGET
    return 0 if met and figures['peak_resident_bytes'] <= MEMORY_TARGET_BYTES else 1


if __name__ == '__main__':
    sys.exit(main())
