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

"""What ``metadata.yaml`` says of a bag, and where the files say otherwise.

It names the files and holds the bag's ``custom_data``. All else there is a copy, which goes stale
where a recorder is killed, a bag is split, or somebody edits it: then the files count.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PureWindowsPath
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from xmodal_ros.bags.storage import (
    Channel,
    custom_data_of,
    QosProfile,
    read_qos,
    ROOT,
    StorageFile,
)
from xmodal_ros.errors import BagError

METADATA_FILE: Final = 'metadata.yaml'
_NEWEST: Final = 9
_TOLERANCE_NS: Final = 100_000_000
_NEEDED: Final = ('version', 'relative_file_paths')
_COMPARED: Final = ('reliability', 'durability', 'history', 'depth')


@dataclass(frozen=True)
class DeclaredTopic:
    """A topic as metadata.yaml describes it; '' and None where it does not."""

    msgtype: str
    encoding: str
    count: int | None
    qos: tuple[QosProfile, ...]


@dataclass(frozen=True)
class BagMetadata:
    """What metadata.yaml says; None where it does not, or nothing that makes sense."""

    files: tuple[str, ...]
    start_ns: int | None
    duration_ns: int | None
    topics: Mapping[str, DeclaredTopic]
    custom_data: Mapping[str, str] | None


def read_metadata(file: Path) -> BagMetadata:
    """Read metadata.yaml; raises :class:`BagError` that says what is wrong with it."""
    mend = (
        'remove it, and the bag is read from its files without it (subject and sensors it named '
        'too), or write it anew with `ros2 bag reindex`'
    )
    try:
        text = file.read_bytes().decode('utf-8-sig')
    except PermissionError as error:
        raise BagError(f'{str(file)!r} cannot be read: permission denied (see `ls -l`)') from error
    except OSError as error:
        raise BagError(f'{str(file)!r} cannot be read: {error.strerror or error}') from error
    except UnicodeDecodeError as error:
        raise BagError(
            f'{str(file)!r} cannot be read: it is no text in UTF-8 (byte {error.start}): {mend}'
        ) from error
    if not text.strip(' \t\r\n\0'):
        raise BagError(f'{str(file)!r} cannot be read: it is empty, as a crash leaves it: {mend}')
    try:
        document = _parse(text)
    # Of odd texts ruamel's parser raises other exceptions, too.
    except (YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        problem = str(error).strip().splitlines()
        raise BagError(
            f'{str(file)!r} cannot be read: it is no YAML ({"; ".join(problem[:2])}): {mend}'
        ) from error
    root = document.get(ROOT) if isinstance(document, dict) else None
    if not isinstance(root, dict):
        raise BagError(f'{str(file)!r} cannot be read: it has no {ROOT}: {mend}')
    if isinstance(version := root.get('version'), int) and version > _NEWEST:
        raise BagError(
            f'{str(file)!r} is of version {version}, and up to {_NEWEST} can be read: name the '
            'storage files themselves, convert the bag with `ros2 bag convert`, or update '
            'xmodal_ros'
        )
    if lacking := [key for key in _NEEDED if root.get(key) is None]:
        raise BagError(
            f'{str(file)!r} cannot be read: it lacks {" and ".join(lacking)}, as where it breaks '
            f'off: {mend}'
        )
    names = root['relative_file_paths']
    if not isinstance(names, list):
        raise BagError(
            f'{str(file)!r} cannot be read: its relative_file_paths are no list, but {names!r}: '
            f'{mend}'
        )
    return BagMetadata(
        # Folders of the recording robot are not those here; a file named twice is one.
        tuple(dict.fromkeys(PureWindowsPath(str(name)).name for name in names)),
        _number(root, 'starting_time', 'nanoseconds_since_epoch'),
        _number(root, 'duration', 'nanoseconds'),
        dict(_topics(root.get('topics_with_message_count'))),
        custom_data_of(root),
    )


# YAML is dear to read, and whoever scans, cuts and tests recordings opens each several times.
@lru_cache(maxsize=256)
def _parse(text: str) -> Any:
    return YAML(typ='safe').load(text)


def _number(root: Mapping[str, Any], key: str, inner: str) -> int | None:
    entry = root.get(key)
    value = entry.get(inner) if isinstance(entry, dict) else None
    return value if isinstance(value, int) else None


def _topics(entries: object) -> Iterator[tuple[str, DeclaredTopic]]:
    for entry in entries if isinstance(entries, list) else ():
        about = entry.get('topic_metadata') if isinstance(entry, dict) else None
        if not isinstance(about, dict) or not isinstance(about.get('name'), str):
            continue
        count = entry.get('message_count')
        yield (
            about['name'],
            DeclaredTopic(
                str(about.get('type') or ''),
                str(about.get('serialization_format') or ''),
                count if isinstance(count, int) else None,
                read_qos(about.get('offered_qos_profiles')),
            ),
        )


def contradictions(metadata: BagMetadata, files: Sequence[StorageFile]) -> Iterator[str]:
    """Say where metadata.yaml and the files that it names differ; the files count."""
    found: dict[str, list[Channel]] = {}
    for file in files:
        for channel in file.channels:
            found.setdefault(channel.topic, []).append(channel)
    differences = list(_about_time(metadata, files))
    for name, declared in sorted(metadata.topics.items()):
        channels = found.get(name, [])
        count = sum(channel.count for channel in channels)
        if declared.count is not None and declared.count != count:
            differences.append(f'{declared.count} messages on {name}, they hold {count}')
        if channels:
            differences += _about_topic(name, declared, channels)
    unnamed = sorted(
        name
        for name, channels in found.items()
        if name not in metadata.topics and any(channel.count for channel in channels)
    )
    if unnamed and metadata.topics:
        differences.append(f'nothing of {", ".join(unnamed)}, they hold messages on it')
    for difference in differences:
        yield f'{METADATA_FILE} differs from the files, which count: it says {difference}'


def _about_time(metadata: BagMetadata, files: Iterable[StorageFile]) -> Iterator[str]:
    filled = [file for file in files if file.count]
    if not filled:
        return
    start_ns = min(file.start_ns for file in filled)
    lasted_ns = max(file.end_ns for file in filled) - start_ns
    stated_ns = metadata.start_ns
    if stated_ns is not None and abs(stated_ns - start_ns) > _TOLERANCE_NS:
        apart_s = (stated_ns - start_ns) / 1e9
        when = 'later' if apart_s > 0 else 'earlier'
        yield f'that it starts {abs(apart_s):.3f} s {when} than they do'
    duration_ns = metadata.duration_ns
    if duration_ns is not None and abs(duration_ns - lasted_ns) > _TOLERANCE_NS:
        yield f'that it lasts {duration_ns / 1e9:.3f} s, they last {lasted_ns / 1e9:.3f} s'


def _about_topic(name: str, declared: DeclaredTopic, channels: Sequence[Channel]) -> Iterator[str]:
    for what, stated, own in (
        ('type', declared.msgtype, [channel.msgtype for channel in channels]),
        ('encoding', declared.encoding, [channel.encoding for channel in channels]),
    ):
        known = sorted(set(filter(None, own)))
        if stated and known and stated not in known:
            yield f'{what} {stated} of {name}, they say {" and ".join(known)}'
    recorded = [profile for channel in channels for profile in channel.qos]
    if not recorded:
        return
    if not declared.qos:
        yield f'no QoS of {name}, they say {_in_words(recorded[0])}'
        return
    for key in _COMPARED:
        stated_values = sorted({p[key] for p in declared.qos if key in p})
        own_values = sorted({p[key] for p in recorded if key in p})
        if stated_values and own_values and stated_values != own_values:
            yield (
                f'QoS {key} {" and ".join(stated_values)} of {name}, they say '
                f'{" and ".join(own_values)}'
            )


def _in_words(profile: QosProfile) -> str:
    return ', '.join(profile[key] for key in _COMPARED[:2] if key in profile)
