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

"""Named fail points: one operation each, of which one call fails, as a disk or driver would.

They lie outside the package: an operation is replaced where it is looked up while a test runs, so
that nothing is asked, and nothing is paid, on a robot.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
import errno
import functools
import importlib
import os
from typing import Any, Final
from unittest.mock import patch

import torch


@dataclass(frozen=True)
class FailPoint:
    """An operation by the module and name by which it is called, and what its failure raises."""

    module: str
    name: str
    error: Callable[[], Exception]


def _disk_full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _bad_disk() -> OSError:
    return OSError(errno.EIO, os.strerror(errno.EIO))


def _device() -> RuntimeError:
    return torch.OutOfMemoryError('out of memory, by a fail point')


def _unexpected() -> RuntimeError:
    return RuntimeError('by a fail point')


_MODELS: Final = 'xmodal_ros.models'

FAIL_POINTS: Final[Mapping[str, FailPoint]] = {
    # Files written and read.
    'make folder': FailPoint('pathlib', 'Path.mkdir', _disk_full),
    'make temporary folder': FailPoint('tempfile', 'mkdtemp', _disk_full),
    'make temporary file': FailPoint('tempfile', 'mkstemp', _disk_full),
    'write bytes': FailPoint('pathlib', 'Path.write_bytes', _disk_full),
    'write text': FailPoint('pathlib', 'Path.write_text', _disk_full),
    'sync': FailPoint('os', 'fsync', _bad_disk),
    'rename': FailPoint('pathlib', 'Path.rename', _bad_disk),
    'replace': FailPoint('pathlib', 'Path.replace', _bad_disk),
    'swap folders': FailPoint('xmodal_ros.files', 'atomic_swap', _bad_disk),
    'read bytes': FailPoint('pathlib', 'Path.read_bytes', _bad_disk),
    'read text': FailPoint('pathlib', 'Path.read_text', _bad_disk),
    'open': FailPoint('pathlib', 'Path.open', _bad_disk),
    'look at file': FailPoint('pathlib', 'Path.stat', _bad_disk),
    # A model loaded.
    'hash file': FailPoint('hashlib', 'file_digest', _bad_disk),
    'load weights': FailPoint(f'{_MODELS}.bundle', 'load', _unexpected),
    'build model': FailPoint(f'{_MODELS}.configuration_bundle', 'BundleInfo.make_classifier',
                             _device),
    'fill model': FailPoint('torch.nn', 'Module.load_state_dict', _unexpected),
    'move to device': FailPoint('torch.nn', 'Module.to', _device),
    # A message on its way.
    'take messages': FailPoint('test.fail_points', 'take', _unexpected),
    'decode': FailPoint('xmodal_ros.modalities.imu.decoder', 'ImuDecoder.__call__', _unexpected),
    'look into message': FailPoint(
        'xmodal_ros.modalities.contents', 'NewestContents.note', _unexpected
    ),
    'resample': FailPoint('xmodal_ros.windows.assembler', 'resample_linear', _unexpected),
    'infer': FailPoint(f'{_MODELS}.classifier', 'Classifier.forward', _device),
    'publish': FailPoint('test.fail_points', 'publish', _unexpected),
    # The middleware.
    'subscribe': FailPoint('rclpy.node', 'Node.create_subscription', _unexpected),
    'advertise': FailPoint('rclpy.node', 'Node.create_publisher', _unexpected),
    'look at graph': FailPoint('rclpy.node', 'Node.get_publishers_info_by_topic', _unexpected),
    # A camera.
    'open camera': FailPoint('xmodal_ros.drivers.video', 'OpenVideo.__init__', _bad_disk),
    'grab frame': FailPoint('xmodal_ros.drivers.video', 'OpenVideo.grab', _bad_disk),
    'decode frame': FailPoint('xmodal_ros.drivers.video', 'OpenVideo.retrieve', _unexpected),
}  # fmt: skip


def take(messages: Any) -> Any:
    """Stand for a subscription that gives messages."""
    return messages


def publish(publisher: Callable[[Any], None], message: Any) -> None:
    """Stand for a publisher of the middleware."""
    publisher(message)


@dataclass
class Armed:
    """A fail point at work: ``calls`` so far, and whether it has failed."""

    calls: int = 0
    failed: bool = False


@contextmanager
def failing(name: str, call: int) -> Iterator[Armed]:
    """Let the ``call``-th call of a fail point fail, counted from 1, while the block lasts."""
    point, armed = FAIL_POINTS[name], Armed()
    home: Any = importlib.import_module(point.module)
    *outer, last = point.name.split('.')
    for part in outer:
        home = getattr(home, part)
    real = getattr(home, last)

    @functools.wraps(real)
    def operation(*args: Any, **options: Any) -> Any:
        armed.calls += 1
        if armed.calls == call:
            armed.failed = True
            raise point.error()
        return real(*args, **options)

    with patch.object(home, last, operation):
        yield armed


def sweep(name: str, most: int, scenario: Callable[[], None]) -> Iterator[tuple[int, Armed]]:
    """Run a scenario with the first call failing, then the second, until none is left or ``most``.

    The scenario holds its own outcome against what is documented. Gives each call that failed.
    """
    for call in range(1, most + 1):
        with failing(name, call) as armed:
            scenario()
        if not armed.failed:
            return
        yield call, armed
