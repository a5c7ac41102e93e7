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

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from test.bags.importers.small_utd_mhad import write_archives
from test.bags.importers.test_digits import write_archives as write_digits
from test.bags.importers.test_hugadb import write_archive as write_hugadb
from test.bags.importers.test_sp_sw_har import write_archive as write_har
from test.bags.importers.test_umafall import write_archive as write_umafall
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.cli.import_ import app
from xmodal_ros.errors import BagError, ConfigurationError, UsageError
from xmodal_ros.modalities.imu.decoder import ImuDecoder
from xmodal_ros.streams.cdr import read_stamp_ns


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ['utd-mhad', *map(str, arguments)])


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    return write_archives(tmp_path / 'utd_mhad')


def test_it_writes_one_bag_a_subject_and_says_so(archives: Path, tmp_path: Path) -> None:
    result = run(archives, tmp_path / 'bags', '--json', tmp_path / 'result.json')
    assert result.exit_code == 0, result.output
    assert sorted(item.name for item in (tmp_path / 'bags').iterdir()) == [
        'utd_mhad_s1',
        'utd_mhad_s2',
    ]
    assert 'utd_mhad_s1: 4 clips' in result.stderr
    written = json.loads((tmp_path / 'result.json').read_text())
    assert written['clips'] == 6
    assert [(bag['subject'], bag['clips'], bag['kept']) for bag in written['bags']] == [
        ('1', 4, False),
        ('2', 2, False),
    ]
    with BagReader(written['bags'][1]['path']) as reader:
        assert reader.subject == '2'


def test_a_second_run_keeps_the_bags_and_says_so(archives: Path, tmp_path: Path) -> None:
    run(archives, tmp_path / 'bags')
    again = run(archives, tmp_path / 'bags')
    assert again.exit_code == 0
    assert again.stderr.count('kept (already there)') == 2
    forced = run(archives, tmp_path / 'bags', '--force')
    assert forced.exit_code == 0
    assert 'kept' not in forced.stderr


@pytest.mark.parametrize('subjects', [['2'], ['2', '2'], ['2,2'], ['1', '2'], ['1,2']])
def test_only_the_subjects_asked_for_are_written(
    archives: Path, tmp_path: Path, subjects: list[str]
) -> None:
    result = run(archives, tmp_path / 'bags', '--subjects', *subjects)
    assert result.exit_code == 0, result.output
    expected = sorted({f'utd_mhad_s{number}' for text in subjects for number in text.split(',')})
    assert sorted(item.name for item in (tmp_path / 'bags').iterdir()) == expected


def test_a_subject_that_is_no_number_is_refused(archives: Path, tmp_path: Path) -> None:
    result = run(archives, tmp_path / 'bags', '--subjects', 'Ada')
    assert isinstance(result.exception, ConfigurationError)
    assert "'Ada' is no number" in str(result.exception)


def test_a_place_where_no_folder_can_be_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / 'text.txt').touch()
    refused = run(tmp_path / 'nothing', tmp_path / 'text.txt' / 'bags')
    assert isinstance(refused.exception, ConfigurationError)
    assert "text.txt' is a file, not a folder: give another OUT" in str(refused.exception)
    words = ['files', str(tmp_path / 'text.txt' / 'bag'), '--subject', 'ada', '--imu', 'nothing']
    refused = CliRunner().invoke(app, words)
    assert "text.txt' is a file, not a folder: give another BAG" in str(refused.exception)


def test_a_folder_without_the_archives_is_an_error_that_names_them(tmp_path: Path) -> None:
    result = run(tmp_path, tmp_path / 'bags')
    assert isinstance(result.exception, BagError)
    assert 'utd_mhad_imu_skel.npz' in str(result.exception)
    assert not (tmp_path / 'bags').exists()


def test_other_data_sets_are_imported_alike(tmp_path: Path) -> None:
    har = write_har(tmp_path / 'har')
    legs = write_hugadb(tmp_path / 'hugadb')
    falls = write_umafall(tmp_path / 'umafall')
    written = write_digits(tmp_path / 'digits')
    for arguments, names in (
        (('sp-sw-har', har, '--subjects', '12', '--clocks', 'phone'), ['sp_sw_har_s12']),
        (('hugadb', legs, '--subjects', '2', '--gyroscopes', 'recorded'), ['hugadb_s02']),
        (('umafall', falls, '--subjects', '3'), ['umafall_s03']),
        (('digits', written, '--most', '1', '--speakers', 'bob'), ['digits_bob']),
    ):
        command, folder, *options = arguments
        out = tmp_path / f'bags of {command}'
        for expected in ('', 'kept'):
            result = CliRunner().invoke(app, [str(a) for a in (command, folder, out, *options)])
            assert result.exit_code == 0, result.output
            assert expected in result.stderr
        assert [item.name for item in out.iterdir()] == names


def test_a_folder_of_something_else_is_answered_with_what_is_expected(tmp_path: Path) -> None:
    others = ('sp-sw-har', 'hugadb', 'umafall', 'kitchen20', 'digits')
    for command, expected in (*((name, '.npz') for name in others), ('esc10', '.ogg')):
        result = CliRunner().invoke(app, [command, str(tmp_path), str(tmp_path / 'bags')])
        assert isinstance(result.exception, BagError)
        assert expected in str(result.exception)


def test_files_of_ones_own_become_a_bag(tmp_path: Path) -> None:
    rows = [f'{10 * n},0,0,1' for n in range(100)]
    (tmp_path / 'imu.csv').write_text('\n'.join(['t,x,y,z', *rows]))
    (tmp_path / 'labels.csv').write_text('start,end,label\n0.2,0.8,wave\n')
    options = ['--subject', 'ada', '--imu', str(tmp_path / 'imu.csv'), '--time', 't']
    options += ['--time-unit', 'ms', '--acc', 'x,y,z', '--gyro', 'none']
    options += ['--labels', str(tmp_path / 'labels.csv'), '--start', '2025-01-31T12:00:00']
    options += ['--json', str(tmp_path / 'result.json')]

    def files(*more: str) -> Result:
        return CliRunner().invoke(app, ['files', str(tmp_path / 'bag'), *options, *more])

    result = files()
    assert isinstance(result.exception, BagError)
    assert '(g?)' in str(result.exception)
    result = files('--acc-unit', 'g')
    assert result.exit_code == 0, result.output
    assert '1 labelled segments: wave (1)' in result.stderr
    written = json.loads((tmp_path / 'result.json').read_text())
    assert (written['messages'], written['activities']) == ({'imu': 100}, {'wave': 1})
    with BagReader(tmp_path / 'bag') as reader:
        assert (reader.subject, reader.start_ns) == ('ada', 1_738_324_800_000_000_000)
    words = ['files', str(tmp_path / 'bare'), *options[:12], '--acc-unit', 'g']
    bare = CliRunner().invoke(app, words)
    assert bare.exit_code == 0, bare.output
    assert f'no labels: mark them with `xmodal label {tmp_path / "bare"}`' in bare.stderr
    turns = '\n'.join(f'{10 * n},0,0,1' for n in range(90))
    (tmp_path / 'gyro.csv').write_text(f't,x,y,z\n{turns}')
    options[options.index('none')] = 'x,y,z'
    apart = ('--gyro-file', str(tmp_path / 'gyro.csv'), '--acc-unit', 'g')
    result = files('--force', *apart)
    assert result.exit_code == 0, result.output
    assert '10 of 100 samples are left out' in result.stderr
    for wrong in (('--start', 'noon'), ('--subject', ' '), ('--acc', 'a,b,c')):
        assert isinstance(files(*wrong).exception, ConfigurationError)
    twice = files('--video', 'a.mp4', '--video', 'b.mp4').exception
    assert '--video is given 2 times, but a recording takes one' in str(twice)
    for axes in ('x,y', 'x,x,z'):
        options[options.index('--acc') + 1] = axes
        assert f'--acc {axes!r} names no three columns' in str(files().exception)


def several_imus(folder: Path, *options: str) -> Result:
    """One table of accelerations, of which two IMUs are made; it has labels too."""
    rows = [f'{n / 100},0,0,9.8,0,9.8,0,{"wave" if n < 100 else "sit"}' for n in range(200)]
    (folder / 'all.csv').write_text('\n'.join(['time,ax,ay,az,tx,ty,tz,what', *rows]))
    words = ['files', str(folder / 'bag'), '--subject', 'ada', '--gyro', 'none', *options]
    return CliRunner().invoke(app, words)


def test_tables_of_several_imus_each_have_their_name(tmp_path: Path) -> None:
    table = str(tmp_path / 'all.csv')
    both = ('--imu', f'wrist={table}', '--imu', f'imu_thigh={table}', '--label-column', 'what')
    made = several_imus(
        tmp_path,
        *both,
        '--acc',
        'ax,ay,az',
        '--acc',
        'thigh=tx,ty,tz',
        '--imu-offset',
        'thigh=0.5',
    )
    assert made.exit_code == 0, made.output
    assert '200 messages of imu_wrist, 200 messages of imu_thigh' in made.stderr
    assert '2 labelled segments: sit (1), wave (1)' in made.stderr
    found = {}
    with BagReader(tmp_path / 'bag') as reader:
        for topic in ('/imu_wrist', '/imu_thigh'):
            first = next(iter(reader.messages([topic]))).data
            found[topic] = (
                read_stamp_ns(first) - reader.start_ns,
                ImuDecoder('acc')(first).values,
            )
    assert found['/imu_wrist'][0] == 0
    assert found['/imu_thigh'][0] == 500_000_000
    assert found['/imu_wrist'][1].tolist() == pytest.approx([0, 0, 9.8])
    assert found['/imu_thigh'][1].tolist() == pytest.approx([0, 9.8, 0])


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        (('--imu', '{0}', '--imu', '{0}'), '--imu is given 2 times: name each, and differently'),
        (('--imu', 'a={0}', '--imu', 'a={0}'), 'name each, and differently'),
        (('--imu', 'a={0}', '--imu', '{0}'), 'name each, and differently'),
        (('--imu', 'Left hand={0}'), 'a name has small letters, digits and _'),
        (('--imu', 'a='), 'is not of the form NAME=CSV'),
        (('--imu', 'a={0}', '--acc', 'b=ax,ay,az'), "no --imu is named 'b', only a"),
        (('--imu', 'a={0}', '--acc', 'ax,ay,az', '--acc', 'tx,ty,tz'), '--acc is given twice:'),
        (('--imu', 'a={0}', '--acc', 'a=ax,ay,az', '--acc', 'a=tx,ty,tz'), 'twice for a: choose'),
        (('--imu', '{0}', '--imu-offset', 'late'), "--imu-offset 'late' is no number of seconds"),
        (('--audio', '{0}', '--label-column', 'what'), 'give the table by --imu'),
        (('--audio', '{0}', '--gyro-file', '{0}'), 'give that by --imu'),
    ],
)
def test_imus_that_are_not_told_apart_are_refused(
    options: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    given = [each.format(tmp_path / 'all.csv') for each in options]
    refused = several_imus(tmp_path, *given).exception
    assert isinstance(refused, UsageError)
    assert words in str(refused)
    assert not (tmp_path / 'bag').exists()


def test_an_option_that_may_be_repeated_takes_one_word_as_it_is(tmp_path: Path) -> None:
    labels = ('wave', 'sit, idle', 'null', 'wave')
    rows = [f'{n / 100},0,0,9.8,"{labels[n // 100]}"' for n in range(400)]
    (tmp_path / 'imu.csv').write_text('\n'.join(['time,ax,ay,az,what', *rows]))
    words = ['files', '--subject', 'ada', '--imu', str(tmp_path / 'imu.csv'), '--gyro', 'none']
    words += ['--label-column', 'what', '--no-activity', 'null', '--no-activity', 'sit, idle']
    made = CliRunner().invoke(app, [*words, str(tmp_path / 'bag')])
    assert made.exit_code == 0, made.output
    assert '2 labelled segments: wave (2)' in made.stderr
    command: Any = typer.main.get_command(app)
    words = ['--file', 'radar=x.csv', '--file', 'lidar=y.csv', 'bag', '--subject', 'ada']
    given = command.commands['files'].make_context('files', words).params
    assert list(given['file']) == ['radar=x.csv', 'lidar=y.csv']
