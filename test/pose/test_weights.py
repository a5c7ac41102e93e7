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

"""Weights are read out of a wheel or a folder where they are those published, else refused."""

from dataclasses import replace
import hashlib
from pathlib import Path
import struct
import sys
import zipfile

import pytest

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.pose import weights
from xmodal_ros.pose.loading import load_estimator
from xmodal_ros.pose.weights import DETECTOR, LANDMARKS, read_weights

CONTENT = (b'a detector', b'a net of landmarks')
WHEEL = 'mediapipe-0.10.14-cp311-cp311-manylinux_2_17_x86_64.whl'


@pytest.fixture
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other content is what was published."""
    nets = [
        replace(net, sha256=hashlib.sha256(content).hexdigest())
        for net, content in zip((DETECTOR, LANDMARKS), CONTENT, strict=True)
    ]
    monkeypatch.setattr(weights, '_NETS', tuple(nets))


def write_files(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for net, content in zip((DETECTOR, LANDMARKS), CONTENT, strict=True):
        (folder / net.name).write_bytes(content)
    return folder


def write_wheel(path: Path, *, whole: bool = True) -> Path:
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as wheel:
        for net, content in zip((DETECTOR, LANDMARKS), CONTENT, strict=True):
            if whole or net is DETECTOR:
                wheel.writestr(f'{net.folder}/{net.name}', content)
    return path


@pytest.mark.usefixtures('_known')
def test_they_are_read_from_a_wheel_a_folder_of_files_or_a_folder_with_the_wheel(
    tmp_path: Path,
) -> None:
    wheel = write_wheel(tmp_path / WHEEL)
    files = write_files(tmp_path / 'files')
    assert read_weights(wheel) == read_weights(files) == read_weights(tmp_path) == CONTENT


@pytest.mark.parametrize('write', [write_files, lambda path: write_wheel(path / WHEEL)])
def test_others_than_those_published_are_refused(tmp_path: Path, write) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_weights(write(tmp_path))
    words = str(refused.value)
    assert 'pose_detection.tflite' in words
    assert f'SHA-256 is {hashlib.sha256(CONTENT[0]).hexdigest()}, not 9ba9dd3d' in words
    assert 'python3 -m pip download --no-deps mediapipe==0.10.14' in words


@pytest.mark.usefixtures('_known')
def test_a_wheel_without_them_says_which_is_missing(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / WHEEL, whole=False)
    with pytest.raises(ConfigurationError, match=r'does not hold .*pose_landmark_full\.tflite'):
        read_weights(wheel)


def test_where_there_are_none_it_is_said_where_to_get_them(tmp_path: Path) -> None:
    broken = tmp_path / 'broken.whl'
    broken.write_bytes(b'PK no wheel')
    for path, words in (
        (None, 'no weights of BlazePose are named'),
        (tmp_path, 'neither pose_detection.tflite in'),
        (tmp_path / 'nowhere.whl', 'nowhere.whl cannot be read'),
        (broken, 'broken.whl cannot be read'),
    ):
        with pytest.raises(ConfigurationError) as refused:
            read_weights(path)
        assert words in str(refused.value)
        assert 'pip download --no-deps mediapipe==0.10.14' in str(refused.value)


@pytest.mark.parametrize(
    ('compression', 'size'),
    [
        (zipfile.ZIP_BZIP2, 1000),
        (zipfile.ZIP_LZMA, 1000),
        (zipfile.ZIP_DEFLATED, (1 << 25) + 1),
    ],
)
def test_what_would_grow_beyond_measure_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: int, size: int
) -> None:
    with zipfile.ZipFile(tmp_path / WHEEL, 'w', compression) as wheel:
        wheel.writestr(f'{DETECTOR.folder}/{DETECTOR.name}', bytes(size))
    monkeypatch.delattr(zipfile.ZipExtFile, 'read')
    with pytest.raises(ConfigurationError, match='compressed or as large as none of'):
        read_weights(tmp_path / WHEEL)


def cut_off(content: bytes, wheel: zipfile.ZipFile) -> bytes:
    """Move the index to where the first entry's bytes are said to be."""
    (entry,) = wheel.infolist()
    begin = len(content) - wheel.start_dir
    index = content[wheel.start_dir :]
    held = content[: wheel.start_dir - entry.compress_size]
    moved = index[:-6] + struct.pack('<I', len(held)) + index[-2:]
    assert len(index) == begin
    return held + moved


def misname(content: bytes, _wheel: zipfile.ZipFile) -> bytes:
    """Say that names are UTF-8, and let one be none."""
    at = content.rindex(b'PK\x01\x02')
    flags = struct.unpack_from('<H', content, at + 8)[0] | 0x800
    changed = content[: at + 8] + struct.pack('<H', flags) + content[at + 10 :]
    return changed[: at + 46] + b'\xff' + changed[at + 47 :]


@pytest.mark.parametrize(
    ('damage', 'raised'), [(cut_off, EOFError), (misname, UnicodeDecodeError)]
)
def test_a_damaged_wheel_cannot_be_read(tmp_path: Path, damage, raised) -> None:
    path = tmp_path / WHEEL
    with zipfile.ZipFile(path, 'w') as wheel:
        wheel.writestr(f'{DETECTOR.folder}/{DETECTOR.name}', bytes(range(256)) * 20)
    with zipfile.ZipFile(path) as wheel:
        path.write_bytes(damage(path.read_bytes(), wheel))
    with pytest.raises(ConfigurationError, match='cannot be read') as refused:
        read_weights(path)
    assert isinstance(refused.value.__cause__, raised)


def test_without_the_extra_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'ai_edge_litert', None)
    monkeypatch.setitem(sys.modules, 'ai_edge_litert.interpreter', None)
    with pytest.raises(ConfigurationError, match=r"pip install 'xmodal_ros\[pose\]'"):
        load_estimator(tmp_path)
