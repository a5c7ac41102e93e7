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

"""What is asked of cases that need no node: recordings, films, sounds, tables, messages."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
import math
from pathlib import Path
import re
import shutil
from typing import Any, Final

import numpy as np

from benchmarks.cases import Bench, CaseMissingError, Check, Ran

_NS: Final = 1_000_000_000
_FILM_S: Final = 12.0


def _bag(ran: Ran, number: int = 0) -> dict[str, Any]:
    """Give what inspect found of a recording."""
    if ran.json is None:
        raise RuntimeError(ran.line)
    found: dict[str, Any] = ran.json['bags'][number]
    return found


def _counts(ran: Ran) -> dict[str, int]:
    return {topic['name']: topic['count'] for topic in _bag(ran)['topics']}


def _codes(ran: Ran, recording: int = 0) -> set[str]:
    if ran.json is None:
        raise RuntimeError(ran.line)
    sensors = ran.json['recordings'][recording]['sensors']
    return {problem['code'] for sensor in sensors for problem in sensor['problems']}


def _warns(ran: Ran, asked: str, *words: str) -> Check:
    warnings = _bag(ran)['warnings']
    found = [text for text in warnings if all(word in text for word in words)]
    return Check(f'inspect says {asked}', (found or warnings or ['nothing'])[0], bool(found))


def _finds(ran: Ran, *codes: str) -> Check:
    found = _codes(ran)
    seen = ', '.join(sorted(found)) or 'nothing'
    return Check(f'dataset finds {", ".join(codes)}', seen, found >= set(codes))


def _reads(ran: Ran, counts: dict[str, int], asked: str = 'all messages are read') -> Check:
    found = _counts(ran) if ran.json else ran.line
    return Check(asked, str(found), ran.code == 0 and found == counts)


def _refuses(ran: Ran, asked: str, *words: str) -> Check:
    right = ran.code == 1 and ran.says('error', *words) and not ran.says('traceback')
    return Check(asked, ran.line, right)


def _wrong_metadata(bench: Bench) -> Iterator[Check]:
    bench.make('01')
    for name in ('c01_short', 'c01_short_mcap', 'c01_last_start'):
        bag = _bag(bench.inspect(name))
        seen = f'{bag["duration_s"]:.2f} s, {bag["labelled_s"]:.1f} s labelled'
        right = abs(bag['duration_s'] - 30) < 0.1 and bag['labelled_s'] == 24
        yield Check(f'{name} is 30 s long', seen, right)
        used = bench.dataset(name).json['recordings'][0]
        windows = used['sensors'][0]['windows']
        yield Check(f'labels of {name} are used', f'{windows} windows', windows > 80)


def _zero_halves(bench: Bench) -> Iterator[Check]:
    bench.make('02')
    ran = bench.inspect('c02_alternating')
    yield _warns(ran, 'half is zero', 'acceleration is zero in 50%', 'unite_imu_method')
    yield _finds(bench.dataset('c02_alternating'), 'zero-acceleration')
    ran = bench.inspect('c02_separate')
    yield _warns(ran, 'the rate is zero', 'angular rate is zero in all', 'unite_imu_method')
    yield _warns(ran, 'acceleration is zero', 'acceleration is zero in all', 'unite_imu_method')
    yield _finds(bench.dataset('c02_separate'), 'zero-acceleration', 'zero-rate')


def _other_units(bench: Bench) -> Iterator[Check]:
    bench.make('03')
    ran = bench.inspect('c03_units/person_1')
    yield _warns(ran, 'g', 'they seem to be in g', '9.81')
    yield _warns(ran, '°/s', '°/s')
    found = bench.dataset('c03_units')
    codes = _codes(found, 0), _codes(found, 1)
    units = {'gravity', 'gyro-units'}
    right = codes[0] >= units and not codes[1] & units
    yield Check('dataset says so of one person alone', f'{codes[0]}; {codes[1]}', right)


def _profiles(bench: Bench) -> Iterator[Check]:
    bench.make('04')
    for name in ('c04_no_profile.mcap', 'c04_ros2.mcap'):
        yield _reads(bench.inspect(name), {'/imu/data': 1000}, f'{name} is read')
    ran = bench.inspect('c04_ros1.mcap')
    read = _reads(ran, {'/imu/data': 1000}, 'ROS 1 is read, or refused with rosbags-convert')
    yield read if read.right else _refuses(ran, read.asked, 'rosbags-convert')


def _encodings(bench: Bench) -> Iterator[Check]:
    bench.make('05')
    for name in ('json', 'protobuf', 'protobuf_ros2'):
        ran = bench.inspect(f'c05_{name}.mcap')
        yield _refuses(ran, f'{name} is refused by name', name.split('_')[0], 'cdr', 'convert')


def _killed_recorder(bench: Bench) -> Iterator[Check]:
    made = bench.make('07')
    ran = bench.inspect('c07_wal')
    yield _reads(ran, {'/imu/data': 3000}, f'as many as sqlite3 sees ({made.line})')
    yield _warns(ran, 'where they were', 'db3-wal', 'wal_checkpoint')


def _edited_qos(bench: Bench) -> Iterator[Check]:
    bench.make('08_')
    for name in ('c08_durability', 'c08_durability_mcap', 'c08_empty'):
        counts = {'/imu/data': 1000, '/imu_b/data': 1000}
        yield _reads(bench.inspect(name), counts, f'{name} is read as before')


def _edited_qos_trained(bench: Bench) -> Iterator[Check]:
    bench.make('08b')
    plain = bench.out / 'c08_plain'
    shutil.rmtree(plain, ignore_errors=True)
    shutil.copytree(bench.out / 'c08_train', plain)
    for file in plain.rglob('metadata.yaml'):
        file.write_text(file.read_text().replace('transient_local', 'volatile'))
    scores = []
    for name in ('c08_train', 'c08_plain'):
        ran = bench.command(
            'train', bench.out / name, '--target', 'imu', '--test-subjects', 'person_3',
            '--encoder', 'imu=statistics', '--no-cache', '--out', bench.out / f'{name}_bundle',
        )  # fmt: skip
        yield Check(f'{name} is trained on', f'exit code {ran.code}: {ran.line}', ran.code == 0)
        scores.append(_scores(ran.json))
    yield Check('as without the edit', str(scores)[:200], scores[0] == scores[1] != {})


def _scores(found: Any) -> dict[str, float]:
    """Give all numbers under a key that speaks of accuracy or F1."""
    numbers: dict[str, float] = {}

    def look(value: Any, where: str) -> None:
        for key, each in value.items() if isinstance(value, dict) else ():
            if isinstance(each, float) and ('f1' in key or 'accuracy' in key):
                numbers[f'{where}{key}'] = each
            look(each, f'{where}{key}.')

    look(found, '')
    return numbers


_CAUSES: Final = (
    ('split_missing', ('lacks other_1', 'copy it here')),
    ('version', ('of version 10', 'convert')),
    ('empty_metadata', ('empty', 'ros2 bag reindex')),
    ('half_metadata', ('breaks off', 'ros2 bag reindex')),
)


def _no_damage(bench: Bench) -> Iterator[Check]:
    bench.make('09')
    for storage in ('sqlite3', 'mcap'):
        for name, words in _CAUSES:
            ran = bench.inspect(f'c09_{name}_{storage}')
            found = _refuses(ran, f'{name} in {storage} has its reason', *words)
            foreign = ran.says('damaged') or ran.says('.recover')
            yield Check(found.asked, found.seen, found.right and not foreign)
        ran = bench.inspect(f'c09_format_{storage}')
        yield _reads(ran, {'/imu/data': 500}, f'what {storage} holds counts, not its format')
        yield _warns(ran, 'what differs', 'wrong_format')


def _compressed_bags(bench: Bench) -> Iterator[Check]:
    bench.make('11')
    for storage, suffix in (('mcap', 'mcap'), ('sqlite3', 'db3')):
        for name in (f'c11_with_{storage}', f'c11_without_{storage}',
                     f'c11_single_{storage}.{suffix}.zstd'):  # fmt: skip
            ran = bench.inspect(name)
            read = _reads(ran, {'/imu/data': 500}, f'{name} is read, or refused with zstd -d')
            yield read if read.right else _refuses(ran, read.asked, 'zstd -d')


def _ffmpeg(bench: Bench) -> str:
    if not bench.ffmpeg:
        raise CaseMissingError('it needs ffmpeg (--ffmpeg FILE)')
    return bench.ffmpeg


def _import(bench: Bench, name: str, *options: str | Path) -> Ran:
    return bench.command(
        'import', 'files', bench.out / f'{name}_bag', '--subject', 'ada', '--force', *options
    )


def _film(bench: Bench, file: str, labels: str, *options: str) -> tuple[Ran, dict[str, Any]]:
    ran = _import(
        bench, file, '--video', bench.out / file, '--labels', bench.out / labels, *options
    )
    return ran, _bag(bench.inspect(f'{file}_bag')) if ran.code == 0 else {}


def _lasts(ran: Ran, bag: dict[str, Any], seconds: float, labelled_s: float) -> tuple[str, bool]:
    if not bag:
        return ran.line, False
    right = abs(bag['duration_s'] - seconds) < 0.25 and bag['labelled_s'] == labelled_s
    return f'{bag["duration_s"]:.2f} s, {bag["labelled_s"]:.1f} s labelled', right


def _browser_film(bench: Bench) -> Iterator[Check]:
    bench.make('12', _ffmpeg(bench))
    ran, bag = _film(bench, 'c12_live.webm', 'c12_labels.csv')
    yield Check('20 s, labels accepted', *_lasts(ran, bag, 20, 12))


def _films(bench: Bench) -> Iterator[Check]:
    made = bench.make('16', _ffmpeg(bench))
    names = sorted(path.name for path in bench.out.glob('c16_*.*') if path.suffix != '.csv')
    if len(names) < 9:
        raise RuntimeError(made.line)
    for name in names:
        ran, bag = _film(bench, name, 'c16_labels.csv')
        if name == 'c16_cut.mp4':
            yield _refuses(ran, 'the cut one is refused with a remedy', 'c16_cut')
            continue
        if ran.code == 1 and ran.says('--video-fps'):
            # A raw stream holds no times: they have to be given.
            ran, bag = _film(bench, name, 'c16_labels.csv', '--video-fps', '30')
        yield Check(f'{name}: 12 s, labels accepted', *_lasts(ran, bag, _FILM_S, 5))
        if name == 'c16_vfr.mp4':
            stamps = _stamps(bench.out / f'{name}_bag')
            before, after = (
                float(np.median(np.diff(part))) / 1e9
                for part in (
                    stamps[stamps < stamps[0] + 5 * _NS],
                    stamps[stamps > stamps[0] + 7 * _NS],
                )
            )
            seen = f'{before:.3f} s before, {after:.3f} s after'
            right = abs(before - 1 / 30) < 0.002 and abs(after - 1 / 6) < 0.005
            yield Check('times are those of the pictures', seen, right)
        if name == 'c16_rotated.mp4':
            height, width = _picture(bench.out / f'{name}_bag').shape[:2]
            yield Check('upright pictures are upright', f'{width}x{height}', height > width)


def _messages(bag: Path) -> Iterator[bytes]:
    from xmodal_ros.bags.reading import BagReader

    with BagReader(bag) as reader:
        for message in reader.messages([reader.sensors[0].topic]):
            yield message.data


def _stamps(bag: Path) -> Any:
    from xmodal_ros.streams.cdr import read_stamp_ns

    return np.array([read_stamp_ns(data) for data in _messages(bag)], np.int64)


def _picture(bag: Path) -> Any:
    import cv2

    from xmodal_ros.streams.cdr import CdrCursor

    cursor = CdrCursor(next(_messages(bag)))
    cursor.header()
    cursor.string()
    return cv2.imdecode(np.frombuffer(bytes(cursor.octets()), np.uint8), cv2.IMREAD_UNCHANGED)


def _streamed_sound(bench: Bench) -> Iterator[Check]:
    bench.make('13')
    for name in ('good', 'ffff', 'sox', 'zero', 'zero_riff'):
        file = f'c13_{name}.wav'
        ran = _import(bench, file, '--audio', bench.out / file)
        if ran.code:
            yield Check(f'{file} is read', ran.line, right=False)
            continue
        lasts_s = _bag(bench.inspect(f'{file}_bag'))['duration_s']
        yield Check(f'{file} is read', f'{lasts_s:.2f} s of 10', abs(lasts_s - 10) < 0.1)


# Seconds that are labelled where a table is read; None where it must be refused.
_TABLES: Final[dict[str, float | None]] = {
    'german': 23.75, 'sep_line': 7.75, 'utf16': 7.75, 'cp1252': 7.75, 'trailing': 7.75,
    'extra': 7.75, 'mmss': 7.75, 'hhmmss': 7.75, 'decimal_comma_quoted': 7.75, 'cases': 32,
    'epoch_ms': 7.75, 'unit_ms': None, 'header_upper': 7.75, 'german_header': 7.75,
    'cr_only': 7.75, 'touching': 9.5, 'nested': None, 'local_time': 8, 'nbsp': 16, 'nfd': 16,
}  # fmt: skip
_SPELT: Final = ('cases', 'nbsp', 'nfd')
_REMEDY: Final = re.compile(
    r'\b(write|let|give|save|say|use|name|put|correct|set|needs?|add|make|remove|sort|part|export|'
    r'divided?)\b',
    re.IGNORECASE,
)


def _label_tables(bench: Bench) -> Iterator[Check]:
    bench.make('17')
    for name, seconds in _TABLES.items():
        shutil.copy(bench.out / f'c17_{name}.csv', bench.out / 'c17_bag' / 'labels.csv')
        ran = bench.dataset('c17_bag')
        if ran.code == 0 and ran.json:
            found = ran.json['recordings'][0]['labelled_s']
            right = seconds is not None and abs(found - seconds) < 0.01
            yield Check(f'{name} is read rightly, or refused', f'{found:.3f} s labelled', right)
        else:
            right = ran.says('error', 'labels.csv') and bool(_REMEDY.search(ran.line))
            yield Check(f'{name} is read rightly, or refused', ran.line, right)
        if name in _SPELT:
            told = [line for line in ran.text.splitlines() if 'probably one activity' in line]
            yield Check(f'{name}: spellings are told', (told or ['not told'])[0], bool(told))


# How each table is to be given; seconds that it lasts. Where there is no gyro, or no header, the
# command is told as far as it can be.
_IMU_TABLES: Final[dict[str, tuple[float, tuple[str, ...]]]] = {
    'ns': (10, ('--time-unit', 'ns')), 'time_only': (10, ()), 'backwards': (10, ()),
    'bursts': (10, ()), 'excel_ms': (10, ('--time-unit', 'ms')),
    'excel_ms6': (60, ('--time-unit', 'ms')), 'sep': (10, ()), 'units_line': (10, ()),
    'spaces': (10, ()), 'wisdm': (10, ('--time-unit', 'ns')), 'german': (10, ()),
    'iso_comma': (10, ('--time-unit', 'iso')), 'iso_ns': (10, ('--time-unit', 'iso')),
    'time_of_day': (10, ('--time-unit', 'iso')), 'us_date': (10, ('--time-unit', 'iso')),
    'dst': (10, ('--time-unit', 'iso')), 'dst_spring': (10, ('--time-unit', 'iso')),
    'ms_khz': (1.5, ()), 'rest_deg': (10, ()), 'gap_ms_us': (10, ('--time-unit', 'us')),
    'matlab': (10, ()), 'excel_serial': (10, ()), 'hex_counts': (10, ()), 'dup_header': (10, ()),
    'quoted': (10, ()), 'utf16': (10, ()), 'nul_tail': (10, ()),
}  # fmt: skip


def _imu_tables(bench: Bench) -> Iterator[Check]:
    bench.make('18')
    for name, (seconds, options) in _IMU_TABLES.items():
        table = bench.out / f'c18_{name}.csv'
        ran = _import(bench, f'c18_{name}', '--imu', table, *options)
        asked = f'{name} is right, or refused with a remedy'
        if ran.code:
            where = re.search(
                r'line \d+|column|rows?\b|header|samples?\b|values?\b|--[a-z]', ran.line
            )
            right = ran.code in (1, 2) and bool(where) and bool(_REMEDY.search(ran.line))
            yield Check(asked, ran.line, right and not ran.says('traceback'))
        else:
            yield Check(asked, *_numbers(bench, f'c18_{name}_bag', seconds, name, ran))


def _numbers(bench: Bench, name: str, seconds: float, table: str, ran: Ran) -> tuple[str, bool]:
    """Compare what was imported with the movement that was written."""
    from xmodal_ros.modalities.imu.decoder import ImuDecoder

    samples = [ImuDecoder()(data) for data in _messages(bench.out / name)]
    stamps = np.array([sample.stamp_ns for sample in samples], np.int64)
    at_s = (stamps - stamps[0]) / 1e9
    lasts_s = float(at_s[-1])
    wanted = np.array([_wave(t) for t in at_s])
    if table == 'rest_deg':
        # Who turns by 0.5 rad/s at rest: nobody can know, and it is to be told.
        warnings = [each for each in _bag(bench.inspect(name))['warnings'] if 'rad/s' in each]
        return f'{lasts_s:.2f} s; {(warnings or ["no warning"])[0]}', bool(warnings)
    apart = float(np.abs(np.array([s.values for s in samples]) - wanted).max())
    right = abs(lasts_s - seconds) < 0.02 * seconds and apart < 0.2
    return f'{lasts_s:.2f} s of {seconds:g}, values {apart:.3f} apart; {ran.line}', right


def _wave(t_s: float, f: float = 2.0, a: float = 3.0) -> tuple[float, ...]:
    swing, turn = math.sin(2 * math.pi * f * t_s), math.cos(2 * math.pi * f * t_s)
    return (a * swing, 0.5 * a * turn, 9.81, 1.5 * turn, 0.3, -0.2)


_RESULT: Final = re.compile(r'^(?P<name>.{28}) (?P<pixels>\w{3,5}) +(?P<rest>.*)$')
# Where others show another picture, or numbers are none: what there must be instead.
_OTHERWISE: Final = {
    '8UC3 (rgb in it)': 'it is taken for BGR, as OpenCV has it',
    'mono16, thermal cK': 'it is not black',
    'jpeg with EXIF orientation 6': 'upright, as browsers show it, or as it is stored',
}


def _images(bench: Bench) -> Iterator[Check]:
    ran = bench.make('19')
    lines = [line for line in ran.text.splitlines() if ': ' in line or ' ok ' in line]
    if ran.code or len(lines) < 30:
        raise RuntimeError(ran.line)
    for line in lines:
        name = line[:28].strip() if ' ok ' not in line else line.partition(' ok ')[0].strip()
        if ' ok ' not in line:
            right = '!!!' not in line and line.count(':') >= 2
            yield Check(f'{name}: refused with encoding and remedy', line[28:].strip(), right)
            continue
        error, mean = line.rpartition('error ')[2], float(line.partition('mean')[2].split()[0])
        other = next((why for key, why in _OTHERWISE.items() if name.startswith(key)), '')
        right = mean > 50 if other else float(error) < 2
        yield Check(f'{name}: {other or "the same picture"}', f'error {error}', right)


def _unusable_pictures(bench: Bench) -> Iterator[Check]:
    bench.make('20')
    for name, word in (('nv21', "'nv21'"), ('h264', 'H.264'), ('rvl', 'RVL')):
        yield _warns(bench.inspect(f'c20_{name}'), name, word, 'cannot be used')
        ran = bench.dataset(f'c20_{name}')
        (used,) = ran.json['recordings']
        camera = next((s for s in used['sensors'] if s['modality'] == 'camera'), None)
        left = camera is None or not camera['windows']
        yield Check(f'dataset leaves {name} out', ran.line, left and ran.says(word))


def _two_drivers(bench: Bench) -> Iterator[Check]:
    bench.make('23', 'bag')
    ran = bench.inspect('c23_two_frames')
    yield _warns(ran, 'so', '2 frame ids on one topic', 'imu_left 50%', 'imu_right 50%')
    yield _finds(bench.dataset('c23_two_frames'), 'frames')


def _restarted_stamps(bench: Bench) -> Iterator[Check]:
    bench.make('24')
    ran = bench.dataset('c24_restart')
    yield Check(
        'dataset says that stamps go back by 30 s',
        next((line for line in ran.text.splitlines() if 'jumped' in line), 'nothing'),
        ran.says('30.0 s off'),
    )
    sensor = ran.json['recordings'][0]['sensors'][0]
    moved = f'{sensor["moved"]} of {sensor["windows"]} windows, by {sensor["moved_s"]:.1f} s'
    right = abs(sensor['moved'] / sensor['windows'] - 0.5) < 0.05
    yield Check('those after it are placed by when they were recorded', moved, right)


def _selector_burst(bench: Bench) -> Iterator[Check]:
    ran = bench.make('29_min')
    lines = [line for line in ran.text.splitlines() if line.startswith('gap')]
    if not lines:
        raise RuntimeError(ran.line)
    for line in lines:
        gap_s = float(line.split()[1])
        answer_s = float(line.rpartition(', ')[2].rstrip(')')) - 1000
        right = ': 0 steps back' in line and 'unknown published 0' in line
        # The first half second tells that it lives.
        right = right and answer_s >= 10 + gap_s + 3
        yield Check(f'gap of {gap_s:g} s', line.partition(':')[2].strip(), right)


# What live sound has to give: its peak where it is read, a reason where not, a doubt.
_SOUND: Final[dict[str, tuple[str, ...]]] = {
    'S16LE': ('ok peak 0.244',), 'S16': ('ok peak 0.244',), 's16le': ('ok peak 0.244',),
    'PCM16': ('ok peak 0.244',), 'int16': ('ok peak 0.244',), 'S16_LE': ('ok peak 0.244',),
    'coding WAVE': ('ok peak 0.244',), 'F32LE, right': ('ok peak 0.250',),
    'F32LE, int16 numbers': ('scale', '32768'), 'coding flac': ('flac', 'format:=wave'),
    'S16LE said, is F32LE': ('doubt noise',), 'F32LE said, is S16LE': ('not_finite',),
    'stereo, one dead': ('ok peak 0.122',), 'stereo, inverted (balanced)': ('doubt mute',),
    'empty chunk': ('size',), 'odd bytes': ('size',), 'mp3, no info': ('mp3', 'format:=wave'),
    'mp3 tail, no info': ('no_format', 'audio_format'), 'mp3 with wave info': ('doubt noise',),
    'ogg with empty coding': ('ogg',), 'wav header in 1st chunk': ('ok peak 0.244',),
}  # fmt: skip


def _live_sound(bench: Bench) -> Iterator[Check]:
    ran = bench.make('30')
    doubts: list[str] = []
    seen: dict[str, str] = {}
    for line in ran.text.splitlines():
        if line.startswith('doubt '):
            doubts.append(line)
        else:
            seen[line[:28].strip()] = ' '.join((line[28:].strip(), *doubts))
            doubts = []
    for name, words in _SOUND.items():
        found = seen.get(name, 'nothing')
        right = all(word in found for word in words) and '!!!' not in found
        yield Check(f'{name}: {" and ".join(words)}', found, right)


def _compressed_depth(bench: Bench) -> Iterator[Check]:
    bench.make('32')
    raw = bench.dataset('c32_raw_depth').json['recordings'][0]['sensors'][0]['windows']
    for name in ('c32_compressed_depth', 'c32_png16'):
        windows = bench.dataset(name).json['recordings'][0]['sensors'][0]['windows']
        yield Check(f'{name} is used as the raw one', f'{windows} of {raw}', windows == raw > 0)
    pictures = [
        _depth(bench.out / name) for name in ('c32_raw_depth', 'c32_compressed_depth', 'c32_png16')
    ]
    same = all((one == two).all() for one, two in pairwise(pictures))
    metres = f'{pictures[0].min():.2f} to {pictures[0].max():.2f} m'
    yield Check('the same metres', metres, same and pictures[0].max() > 1)


def _depth(bag: Path) -> Any:
    from xmodal_ros.bags.reading import BagReader
    from xmodal_ros.modalities.camera.decoder import CameraDecoder

    with BagReader(bag) as reader:
        topic = reader.sensors[0].topic
        decode = CameraDecoder(reader.topics[topic].msgtype, 'depth', 48, 64)
        return decode(next(iter(reader.messages([topic]))).data).values


def _namespaced_labels(bench: Bench) -> Iterator[Check]:
    bench.make('34')
    ran = bench.inspect('c34_namespace')
    seconds = _bag(ran)['labelled_s']
    right = abs(seconds - 28) < 0.1 or ran.says('/robot1/activity_label', 'holds 2 messages')
    yield Check('labels in a namespace are read, or told', f'{seconds:.1f} s labelled', right)


OFFLINE: Final[Sequence[tuple[str, Callable[[Bench], Iterator[Check]]]]] = (
    ('01', _wrong_metadata), ('02', _zero_halves), ('03', _other_units), ('04', _profiles),
    ('05', _encodings), ('07', _killed_recorder), ('08_', _edited_qos),
    ('08b', _edited_qos_trained),
    ('09', _no_damage), ('11', _compressed_bags), ('12', _browser_film), ('13', _streamed_sound),
    ('16', _films), ('17', _label_tables), ('18', _imu_tables), ('19', _images),
    ('20', _unusable_pictures), ('23 bag', _two_drivers), ('24', _restarted_stamps),
    ('29_min', _selector_burst), ('30', _live_sound), ('32', _compressed_depth),
    ('34', _namespaced_labels),
)  # fmt: skip
