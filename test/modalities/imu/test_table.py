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

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xmodal_ros.errors import BagError
from xmodal_ros.modalities.imu.table import ImuColumns, read_imu_table
from xmodal_ros.modalities.registry import find_modality

ROWS = [(0.0, 0, 0, 9.8, 1, 0, -1), (0.01, 0, 1, 9.7, 1, 0, -1), (0.02, 0, 2, 9.6, 1, 0, -1)]


def write(folder: Path, text: str | list[Any], header: str = 'time,ax,ay,az,gx,gy,gz') -> Path:
    if not isinstance(text, str):
        text = '\n'.join(','.join(map(str, row)) for row in text)
    file = folder / 'imu.csv'
    file.write_text(f'{header}\n{text}\n')
    return file


def test_samples_are_read_in_si_units(tmp_path: Path) -> None:
    table = read_imu_table(write(tmp_path, ROWS), ImuColumns())
    assert table.times_ns.tolist() == [0, 10_000_000, 20_000_000]
    assert table.values[1, :3].tolist() == [0, 1, 9.7]
    assert table.values[2, 3:].tolist() == [1, 0, -1]
    assert (table.is_dated, table.repeated) == (False, 0)


@pytest.mark.parametrize('between', [';', '\t'])
def test_columns_are_parted_as_spreadsheets_part_them(tmp_path: Path, between: str) -> None:
    file = write(tmp_path, ROWS)
    expected = read_imu_table(file, ImuColumns())
    file.write_text(file.read_text().replace(',', between))
    table = read_imu_table(file, ImuColumns())
    np.testing.assert_array_equal(table.values, expected.values)
    np.testing.assert_array_equal(table.times_ns, expected.times_ns)


def test_columns_and_units_are_named(tmp_path: Path) -> None:
    text = 'x,1700000000123, 0.5 ,0,1,90\nx,1700000000133,0,0,1,0\n\nx,1700000000133,0,0,1,0'
    file = write(tmp_path, text, 'note, t ,Z,Y,X,turn')
    table = read_imu_table(
        file,
        ImuColumns('t', ('X', 'Y', 'Z'), ('turn', 'turn', 'turn'), 'ms', 'g', 'deg/s'),
    )
    assert table.times_ns.tolist() == [1_700_000_000_123_000_000, *[1_700_000_000_133_000_000] * 2]
    assert table.values[0, :3] == pytest.approx([9.80665, 0, 4.903325])
    assert table.values[0, 3:] == pytest.approx(np.full(3, np.pi / 2))
    assert (table.is_dated, table.repeated) == (True, 1)


def test_dates_are_times_too_and_a_gyro_is_not_needed(tmp_path: Path) -> None:
    file = write(
        tmp_path, '2025-01-31T12:00:00.5Z,0,0,9.8\n2025-01-31T13:00:00.51+01:00,0,0,9.8', 't,x,y,z'
    )
    table = read_imu_table(file, ImuColumns('t', ('x', 'y', 'z'), (), 'iso'))
    assert table.times_ns.tolist() == [1_738_324_800_500_000_000, 1_738_324_800_510_000_000]
    assert table.values.shape[1] == 3


@pytest.mark.parametrize(
    ('rows', 'problem'),
    [
        ('0,0,0,9.8,0,0,0\n0.01,0,0,much,0,0,0', r"line 3: az is 'much'.* no finite number"),
        ('0,0,0,9.8,0,0,0\n0.01,0,0,inf,0,0,0', r"line 3: az is 'inf'.* no finite number"),
        ('0,0,0,9.8,0,0,0\n0.01,0,0,,0,0,0', "1 of 2 rows lack a number, most of them in 'az'"),
        ('0,0,0,9.8,0,0,\n1,0,0,9.8,0,0,NaN\n1,0,0,9.8,0,0,0', "2 of 3 rows .*in 'gz': name"),
        ('0,0,0,9.8,0,0,0;', 'line 2: remove the semicolon at the end of each line'),
        ('0,0,0,9.8,0,0,0\n0.01,0,0', 'line 3 holds 3 values, the first line 7'),
        ('noon,0,0,9.8,0,0,0', r"line 2: the time is 'noon'.* '--time-unit'"),
        ('inf,0,0,9.8,0,0,0', "line 2: the time is 'inf'"),
        ('1e40,0,0,9.8,0,0,0', "line 2: the time is '1e40'"),
        ('1,0,0,9.8,0,0,0\n0.9,0,0,9.8,0,0,0', r'backwards after sample 1, by 0\.1 s: sort'),
        ('0,0,0,9.8,0,0,0', '1 samples are too few'),
        ('', '0 samples are too few'),
        ('0,0,0,9.8,0,0,0\n0,0,0,9.8,0,0,0', "inf samples a second.*'--time-unit'"),
        ('0,0,0,9.8,0,0,0\n10,0,0,9.8,0,0,0', r"0\.1 samples a second.*'--time-unit'"),
        ('0,0,0,1,0,0,0\n0.01,0,0,1,0,0,0', r"'--acc-unit' \(g\?\), or give '--no-gravity'"),
        ('0,0,0,990,0,0,0\n0.01,0,0,990,0,0,0', r"'--acc-unit' \(mg\?\)"),
        ('0,0,0,9.8,200,0,0\n0.01,0,0,9.8,200,0,0', r"200 rad/s.* '--gyro-unit' \(deg/s\?\)"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(
    tmp_path: Path, rows: str, problem: str
) -> None:
    with pytest.raises(BagError, match=problem):
        read_imu_table(write(tmp_path, rows), ImuColumns())


@pytest.mark.parametrize('nothing', ['', ' ', 'NaN', 'NA', 'null', 'None'])
def test_rows_where_the_sensor_gave_nothing_are_left_out_and_told(
    tmp_path: Path, nothing: str
) -> None:
    text = f'7,0,0,{nothing},0,0,0,sit\n8,0,0,9.8,0,0,0,sit\n8.01,1,0,9.8,0,0,0,run'
    text += f'\n8.02,{",".join(6 * [nothing])},run\n8.03,2,0,9.8,0,0,0,run'
    file = write(tmp_path, text, 'time,ax,ay,az,gx,gy,gz,what')
    table = read_imu_table(file, ImuColumns(label='what'))
    assert (table.times_ns // 1_000_000).tolist() == [8000, 8010, 8030]
    assert table.values[:, 0].tolist() == [0, 1, 2]
    assert table.labels == ('sit', 'run', 'run')
    assert table.begins_ns == 7_000_000_000
    assert table.notes == ('2 of 5 rows are left out, for they lack a number (az)',)


def test_acceleration_without_gravity_is_believed_when_said(tmp_path: Path) -> None:
    file = write(tmp_path, '0,0,0,0.1,0,0,0\n0.01,0,0,0.2,0,0,0')
    assert len(read_imu_table(file, ImuColumns(gravity=False)).times_ns) == 2


def test_missing_columns_are_named_together_and_answered_with_those_there_are(
    tmp_path: Path,
) -> None:
    problem = r"no column 'ax', 'gx', 'gz', only time, x, ay, az, gy: .*'--gyro'"
    with pytest.raises(BagError, match=problem):
        read_imu_table(write(tmp_path, ROWS, 'time,x,ay,az,gy'), ImuColumns())


@pytest.mark.parametrize(
    ('header', 'problem'),
    [
        ('time,ax,ay,az,gx,gy,gz;', r'only time, .*gz;: remove the semicolon at the end of each'),
        (','.join(f'column_{n}' for n in range(200)), r'column_9, .* … \(200 columns\): name the'),
    ],
)
def test_columns_that_are_none_are_shown_as_far_as_that_helps(
    tmp_path: Path, header: str, problem: str
) -> None:
    with pytest.raises(BagError, match=problem) as refused:
        read_imu_table(write(tmp_path, ROWS, header), ImuColumns())
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize('content', [b'', b'\xff\xfe\x00\x01', b'"time,ax'])
def test_a_file_that_is_no_table_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / 'imu.csv').write_bytes(content)
    with pytest.raises(BagError, match=r'imu\.csv'):
        read_imu_table(tmp_path / 'imu.csv', ImuColumns())
    with pytest.raises(BagError, match='cannot be read'):
        read_imu_table(tmp_path / 'none.csv', ImuColumns())


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le'])
@pytest.mark.parametrize('first', ['', 'sep=;\n'])
def test_tables_are_read_as_spreadsheets_write_them(
    tmp_path: Path, encoding: str, first: str
) -> None:
    expected = read_imu_table(write(tmp_path, ROWS), ImuColumns())
    text = (tmp_path / 'imu.csv').read_text().replace(',', ';').replace('.', ',')
    (tmp_path / 'imu.csv').write_bytes((first + text).encode(encoding))
    table = read_imu_table(tmp_path / 'imu.csv', ImuColumns())
    np.testing.assert_array_equal(table.values, expected.values)
    np.testing.assert_array_equal(table.times_ns, expected.times_ns)


def rows(*times: str) -> str:
    return '\n'.join(f'{time},0,0,9.8,0,0,0' for time in times)


@pytest.mark.parametrize(
    ('text', 'unit', 'words'),
    [
        (rows('1700000000000000000'), 's', r"as ns it would be a date: give '--time-unit ns'"),
        (rows('1700000000000'), 's', r"as ms it would be a date: give '--time-unit ms'"),
        (rows('1.7E+12', '1.7E+12', '1.7E+12'), 'ms', 'all its times are the same: were'),
        (rows('0', '10000', '20000'), 's', r"correct '--time-unit' \(us\?\)"),
        (rows('2025-01-31T12:00:00'), 's', "it is a date: give '--time-unit iso'"),
        (rows('12.5'), 'iso', "it is a number: give '--time-unit' s, ms"),
        (rows('10/09/2025 10:53'), 's', 'write dates as 2025-01-31T12:00:00'),
        (rows('10/09/2025 10:53'), 'iso', 'write dates as 2025-01-31T12:00:00'),
        (rows('10:53:00.5'), 's', 'a time of day is not enough'),
        (rows('"0,5"'), 's', 'write 0.5, not 0,5'),
        (rows(*(f'{45939.45 + n / 8.64e6:.9f}' for n in range(9))), 's', 'days, as in Excel'),
        (rows(*(f'{739900 + n / 8.64e6:.9f}' for n in range(9))), 's', 'days, as in MATLAB'),
        (rows('0', '0.01') + '\ntime,ax,ay,az,gx,gy,gz', 's', 'line 4: it names the columns once'),
        ('s,m/s,m/s,m/s,rad/s,rad/s,rad/s\n' + rows('0'), 's', 'line 2: .* a line of units'),
        ('0.5\n', 's', 'remove rows that hold a time and nothing else'),
        (rows('0', '0.01') + '\n\0\0\0', 's', 'line 4: it holds zero bytes'),
        ('0,0,0,16384,0,0,0\n0.01,0,0,16384,0,0,0', 's', 'raw counts of a converter'),
        (rows('2025-10-26T02:59:59', '2025-10-26T02:00:00'), 'iso', 'did summer time end'),
        (
            rows('2025-03-30T01:59:59.98', '2025-03-30T01:59:59.99', '2025-03-30T03:00:00'),
            'iso',
            'by an hour after sample 2: did summer time begin',
        ),
        (rows(*['0'] * 3, *['0.03'] * 3), 's', '4 of 6 samples have the time .* own time'),
    ],
)  # fmt: skip
def test_each_mistake_is_answered_by_what_mends_it(
    tmp_path: Path, text: str, unit: Any, words: str
) -> None:
    with pytest.raises(BagError, match=words):
        read_imu_table(write(tmp_path, text), ImuColumns(time_unit=unit))


@pytest.mark.parametrize(
    ('header', 'words'),
    [
        ('time ax ay az gx gy gz', 'rather than blanks'),
        ('33,Jogging,491059,0.0,1.5,9.81;', 'let the first line name the columns'),
    ],
)
def test_a_first_line_without_names_is_answered_by_what_mends_it(
    tmp_path: Path, header: str, words: str
) -> None:
    with pytest.raises(BagError, match=words):
        read_imu_table(write(tmp_path, ROWS, header), ImuColumns())


def test_an_old_encoding_is_named_with_line_and_remedy(tmp_path: Path) -> None:
    (tmp_path / 'imu.csv').write_bytes('time,ax,ay,az,gx,gy,gz\n0,ü'.encode('cp1252'))
    with pytest.raises(BagError, match=r"line 2 is no UTF-8 \(byte 0xfc, which is 'ü'.*iconv"):
        read_imu_table(tmp_path / 'imu.csv', ImuColumns())


ACCELERATIONS = '0.0,0,0,9.8\n0.1,0,0,9.8\n0.2,0,0,9.8\n0.9,0,0,9.8\n2.0,0,0,9.8\n5.0,0,0,9.8'


def apart(folder: Path, rates: str, accelerations: str = ACCELERATIONS) -> ImuColumns:
    (folder / 'acc.csv').write_text(f'time,x,y,z\n{accelerations}\n')
    (folder / 'gyro.csv').write_text(f'time,x,y,z\n{rates}\n')
    axes = ('x', 'y', 'z')
    return ImuColumns('time', axes, axes, rate_file=folder / 'gyro.csv')


def test_angular_rates_of_another_table_are_taken_at_the_times_of_the_accelerations(
    tmp_path: Path,
) -> None:
    # One begins later, has a gap of a second, and ends before the other.
    rates = [0.05, 0.15, 0.25, 0.35, 1.35, 1.45, 1.95, 2.05]
    columns = apart(tmp_path, '\n'.join(f'{time},{time},0,{-time}' for time in rates))
    table = read_imu_table(tmp_path / 'acc.csv', columns)
    assert table.times_ns.tolist() == [100_000_000, 200_000_000, 2_000_000_000]
    expected = np.array([[0.1, 0, -0.1], [0.2, 0, -0.2], [2, 0, -2]])
    np.testing.assert_allclose(table.values[:, 3:], expected)
    assert table.notes == (
        '3 of 6 samples are left out, for gyro.csv has no angular rate near them',
    )


def test_nothing_is_told_where_all_have_an_angular_rate_and_units_are_converted(
    tmp_path: Path,
) -> None:
    columns = apart(tmp_path, '0,1000,0,0\n0.2,2000,0,0', '0,0,0,9.8\n0.1,0,0,9.8')
    table = read_imu_table(tmp_path / 'acc.csv', replace(columns, rate_unit='mrad/s'))
    np.testing.assert_allclose(table.values[:, 3], [1, 1.5])
    assert table.notes == ()


def test_labels_stay_with_their_samples(tmp_path: Path) -> None:
    columns = apart(tmp_path, '0.1,0,0,0\n0.2,0,0,0\n0.3,0,0,0')
    (tmp_path / 'acc.csv').write_text(
        'time,x,y,z,what\n0,0,0,9.8,rest\n0.1,0,0,9.8,walk\n0.2,0,0,9.8,run\n'
    )
    table = read_imu_table(tmp_path / 'acc.csv', replace(columns, label='what'))
    assert table.labels == ('walk', 'run')


def test_angular_rates_of_other_times_are_refused_with_both_spans(tmp_path: Path) -> None:
    columns = apart(tmp_path, '100,0,0,0\n100.5,0,0,0')
    with pytest.raises(BagError, match=r'acc.csv: that is from 0 to 5 s, this from 100 to 100\.5'):
        read_imu_table(tmp_path / 'acc.csv', columns)


def test_dates_as_phones_write_them_are_read(tmp_path: Path) -> None:
    file = write(
        tmp_path, '2025-01-31 12:00:00.5 +0100,0,0,9.8\n2025-01-31T11:00:00.51Z,0,0,9.8', 't,x,y,z'
    )
    table = read_imu_table(file, ImuColumns('t', ('x', 'y', 'z'), (), 'iso'))
    assert np.diff(table.times_ns).tolist() == [10_000_000]


def test_a_gyro_that_starts_later_does_not_move_what_is_left(tmp_path: Path) -> None:
    columns = apart(tmp_path, '0.1,0,0,0\n0.2,0,0,0\n0.3,0,0,0')
    table = read_imu_table(tmp_path / 'acc.csv', columns)
    assert (table.begins_ns, table.left_out_ns) == (0, 100_000_000)
    file = find_modality('imu').open_file(tmp_path / 'acc.csv', {'columns': columns})
    stamps = [each.stamp_ns for each in file.records('/imu', 'imu', 50_000_000_000)]
    assert stamps == [50_100_000_000, 50_200_000_000]
    assert file.duration_ns == 200_000_000


def test_the_first_angular_rate_after_a_gap_counts_at_its_own_time(tmp_path: Path) -> None:
    accelerations = '\n'.join(f'{time},0,0,9.8' for time in (0.0, 0.1, 2.0, 2.1))
    columns = apart(tmp_path, '0,0,0,0\n0.1,0,0,0\n2.0,1,0,0\n2.1,0,0,0', accelerations)
    table = read_imu_table(tmp_path / 'acc.csv', columns)
    assert (len(table.times_ns), table.notes, table.values[2, 3]) == (4, (), 1.0)


def test_angular_rates_of_another_unit_are_refused_with_their_own_file(tmp_path: Path) -> None:
    columns = apart(tmp_path, '0,400,0,0\n0.1,400,0,0', '0,0,0,9.8\n0.1,0,0,9.8')
    with pytest.raises(BagError, match=r'gyro\.csv: with angular rate in rad/s'):
        read_imu_table(tmp_path / 'acc.csv', columns)
