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

"""The page of results holds what studies wrote, word for word, under headings of its own."""

from pathlib import Path

import pytest

from benchmarks.results_page import main


def test_tables_become_parts_of_one_page(tmp_path):
    for name in ('first', 'second'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'table.md').write_text(f'# {name}\n\nSeeds 0.\n\n## Across\n\n| a |\n')
    out = tmp_path / 'docs' / 'results.md'
    main([str(tmp_path / 'first'), str(tmp_path / 'second'), '--out', str(out)])
    lines = out.read_text().splitlines()
    assert [line for line in lines if line.startswith('#')] == [
        '# Results',
        '## first',
        '### Across',
        '## second',
        '### Across',
    ]
    assert lines.count('Seeds 0.') == lines.count('| a |') == 2
    assert 'results_page.py first second --out' in out.read_text()


COLUMNS = ('target', 'sources', 'row', 'per clip', 'seeds', 'Δ per clip', 'p')


def write_study(folder: Path, *rows: tuple[str, str, str, str, str], people: int = 5) -> None:
    """Write what a study says: target, sources, row, score and difference of each."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = [COLUMNS, ('---',) * len(COLUMNS), *((*row[:4], '1', row[4], '') for row in rows)]
    table = '\n'.join(f'| {" | ".join(each)} |' for each in cells)
    (folder / 'table.md').write_text(
        f'# About {folder.name}\n\n'
        f'xmodal study x --recordings bags --out studies/{folder.name}\n\n'
        f'Seeds 0.\n\n## Across, all labels\n\n{people} test subjects.\n\n{table}\n'
    )


def gains(text: str) -> dict[str, str]:
    """Give the rows of the table over all of the page, by their studies."""
    part = text.split('## All methods on all sets')[1].split('\n## ')[0]
    rows = [line.strip('| ').split(' | ') for line in part.splitlines() if line.startswith('|')]
    return {row[0]: ' | '.join(row[1:]) for row in rows[2:]}


ALONE = ('imu', '', '**unimodal**', '0.500', '')


def taught(difference: str, row: str = 'D-CAT') -> tuple[str, str, str, str, str]:
    return 'imu', 'camera (used 1/2), sound', row, '0.550', difference


def test_comparisons_of_a_method_are_corrected_together_and_curves_shown(tmp_path):
    surely, hardly = taught('+0.050 (+0.010 to +0.090)'), taught('+0.010 (-0.030 to +0.050)')
    write_study(tmp_path / 'first', ALONE, surely, taught('+0.050 (+0.010 to +0.090)', 'TAP'))
    write_study(tmp_path / 'second', ALONE, hardly)
    write_study(tmp_path / 'third', ALONE, taught('+0.050'))
    (tmp_path / 'second' / 'curve.png').write_bytes(b'picture')
    out = tmp_path / 'docs' / 'results.md'
    main([*(str(tmp_path / name) for name in ('first', 'second', 'third')), '--out', str(out)])
    text = out.read_text()
    # With four degrees of freedom t is 2.776 at the interval's end: p 0.026 of each.
    place = 'imu | camera + sound | across, all labels'
    told = '+0.050 (+0.010 to +0.090), p'
    assert gains(text) == {
        'first': f'{place} | {told} 0.051 | {told} 0.026',
        'second': f'{place} | +0.010 (-0.030 to +0.050), p 0.526',
        'third': f'{place} | +0.050',
    }
    assert '## About second\n\n![when it pays](pictures/second.png)\n' in text
    assert (tmp_path / 'docs' / 'pictures' / 'second.png').read_bytes() == b'picture'
    # What is added later is corrected with what is there.
    write_study(tmp_path / 'fourth', ALONE, surely)
    main([str(tmp_path / 'fourth'), '--out', str(out), '--add'])
    assert gains(out.read_text())['first'] == f'{place} | {told} 0.077 | {told} 0.026'
    assert list(gains(out.read_text())) == ['fourth', 'first', 'second', 'third']
    assert out.read_text().count('## All methods on all sets') == 1
    # Nothing named, all is made anew of the page itself.
    before = out.read_text()
    main(['--out', str(out), '--add'])
    assert out.read_text() == before


def test_a_folder_without_a_table_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / 'none'), '--out', str(tmp_path / 'page.md')])
    assert ended.value.code == 1
    assert 'none' in capsys.readouterr().err
    assert not (tmp_path / 'page.md').exists()


def test_the_default_is_compared_with_the_best_simple_model_of_each_sensor_in_each_test(tmp_path):
    def rows(*scores: str, target: str = 'foot', worse: str = ''):
        names = ('**default**', 'forest', 'ridge')
        found = zip(names, scores, strict=False)
        return [(target, '', row, score, '' if row == names[0] else worse) for row, score in found]

    worse = '-0.030 (-0.050 to -0.010)'
    ear = rows('0.500', '0.600', target='ear')
    write_study(tmp_path / 'set-default', *rows('0.800', '0.770', '0.700', worse=worse), *ear)
    out = tmp_path / 'results.md'
    main([str(tmp_path / 'set-default'), '--out', str(out)])
    text = out.read_text()
    assert '| set-default | foot | 5 | 0.800 | 0.770 | 0.700 | +0.030 (+0.010 to +0.050) |' in text
    assert '| set-default | ear | 5 | 0.500 | 0.600 |  | -0.100 |' in text
    assert 'At least as good in 1 of 2 tests, better by 0.02 in 1;' in text
    # A sensor that was tested twice is in both, and the worse of them counts for it.
    write_study(tmp_path / 'set-default-folds', *rows('0.700', '0.690'), people=18)
    main([str(tmp_path / 'set-default-folds'), '--out', str(out), '--add'])
    text = out.read_text()
    assert '| set-default-folds | foot | 18 | 0.700 | 0.690 |  | +0.010 |' in text
    assert '| set-default | foot | 5 | 0.800 | 0.770 | 0.700 | +0.030 (+0.010 to +0.050) |' in text
    assert 'At least as good in 2 of 3 tests, better by 0.02 in 1;' in text
    assert 'in each of its tests on 1 of 2 sensors, better by 0.02 on 0.' in text
    assert text.count('## The default encoder against simple models') == 1


def test_a_page_keeps_what_it_says_of_other_studies(tmp_path):
    out = tmp_path / 'results.md'
    for names in (('first', 'second'), ('third', 'first')):
        for name in names:
            (tmp_path / name).mkdir(exist_ok=True)
            text = f'# {name}\n\nWritten with {" ".join(names)}.\n'
            (tmp_path / name / 'table.md').write_text(text)
        add = ['--add'] if out.exists() else []
        main([*(str(tmp_path / name) for name in names), '--out', str(out), *add])
    text = out.read_text()
    assert [line for line in text.splitlines() if line.startswith('## ')] == [
        '## third',
        '## first',
        '## second',
    ]
    assert text.count('Written with third first.') == 2
    assert text.count('Written with first second.') == 1
    assert 'results_page.py third first second --out' in text


def test_of_a_study_that_is_given_anew_no_old_comparison_stays(tmp_path):
    out = tmp_path / 'results.md'
    first, second = tmp_path / 'first', tmp_path / 'second'
    for folder in (first, second):
        write_study(folder, ALONE, taught('+0.050 (+0.010 to +0.090)'))
    main([str(first), str(second), '--out', str(out)])
    write_study(second, ALONE, taught('+0.020 (+0.010 to +0.030)', 'InfoNCE'))
    main([str(second), '--out', str(out), '--add'])
    second_first = gains(out.read_text())
    assert list(second_first) == ['second', 'first']
    assert '+0.020 (+0.010 to +0.030), p 0.005' in second_first['second']
    assert '+0.050' not in second_first['second']
    # With the last row the part goes, too.
    for folder in (first, second):
        write_study(folder, ALONE)
    main([str(first), str(second), '--out', str(out), '--add'])
    assert 'All methods on all sets' not in out.read_text()
