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

"""The two nets of BlazePose, as MediaPipe published them: found, and proved to be those.

Nothing is fetched: they are read out of a wheel of mediapipe that was downloaded, which is not
installed, or from a folder.
"""

from dataclasses import dataclass
import hashlib
from pathlib import Path
from typing import Final
import zipfile

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.paths import is_folder

_WHEEL: Final = 'mediapipe==0.10.14'
_REMEDY: Final = (
    f'python3 -m pip download --no-deps {_WHEEL}, and name the .whl file by the weights'
)
# Several times the larger net.
_LARGEST: Final = 1 << 25
_COMPRESSIONS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class PublishedNet:
    """A file of weights: its name, where it lies in the wheel, and its SHA-256."""

    name: str
    folder: str
    sha256: str


DETECTOR: Final = PublishedNet(
    'pose_detection.tflite',
    'mediapipe/modules/pose_detection',
    '9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c',
)
LANDMARKS: Final = PublishedNet(
    'pose_landmark_full.tflite',
    'mediapipe/modules/pose_landmark',
    'e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f',
)
_NETS: Final = (DETECTOR, LANDMARKS)


def read_weights(path: Path | None) -> tuple[bytes, bytes]:
    """Read the detector and the net of landmarks from a wheel, or a folder with it or them.

    Raises :class:`ConfigurationError` where they are not there, or not those published.
    """
    if path is None:
        raise ConfigurationError(f'no weights of BlazePose are named: {_REMEDY}')
    try:
        detector, landmarks = (_checked(net, _read(path, net), path) for net in _NETS)
    except ConfigurationError:
        raise
    # Whatever damaged bytes make zipfile raise (EOFError, UnicodeDecodeError, zlib's own ...).
    except Exception as error:
        raise ConfigurationError(
            f'the weights {path} cannot be read: {error}: {_REMEDY}'
        ) from error
    return detector, landmarks


def _read(path: Path, net: PublishedNet) -> bytes:
    if not is_folder(path):
        return _out_of_wheel(path, net)
    file = path / net.name
    if not file.is_file():
        wheels = sorted(path.glob(f'{_WHEEL.replace("==", "-")}-*.whl'))
        if wheels:
            return _out_of_wheel(wheels[0], net)
        raise ConfigurationError(
            f'there is neither {net.name} in {path} nor a wheel of {_WHEEL}: {_REMEDY}'
        )
    with file.open('rb') as handle:
        return handle.read(_LARGEST)


def _out_of_wheel(wheel: Path, net: PublishedNet) -> bytes:
    with zipfile.ZipFile(wheel) as opened:
        name = f'{net.folder}/{net.name}'
        if name not in opened.namelist():
            raise ConfigurationError(f'{wheel} does not hold {name}: {_REMEDY}')
        entry = opened.getinfo(name)
        # Of other compressions a few bytes may be unpacked into any number, whatever is asked for.
        if entry.compress_type not in _COMPRESSIONS or entry.file_size > _LARGEST:
            raise ConfigurationError(
                f'{name} in {wheel} is compressed or as large as none of {_WHEEL} is: {_REMEDY}'
            )
        with opened.open(entry) as file:
            return file.read()


def _checked(net: PublishedNet, content: bytes, path: Path) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    if found != net.sha256:
        raise ConfigurationError(
            f'{net.name} of {path} is not the one of {_WHEEL}: its SHA-256 is {found}, not '
            f'{net.sha256}: {_REMEDY}'
        )
    return content
