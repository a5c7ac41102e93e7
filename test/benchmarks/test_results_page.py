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

import json

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


def comparison(p: float | None) -> dict[str, object]:
    difference = {'mean': 0.05, 'low': None if p is None else 0.01, 'high': 0.09, 'p': p}
    return {'target': 'imu', 'sources': ['camera'], 'row': 'D-CAT', 'clip': difference}


def test_comparisons_of_all_studies_are_corrected_together_and_curves_shown(tmp_path):
    alone: dict[str, object] = {'target': 'imu', 'sources': [], 'row': 'unimodal', 'clip': None}
    for name, p in (('first', 0.02), ('second', 0.03), ('third', None)):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'table.md').write_text(f'# {name}\n\nSeeds 0.\n')
        table = {'split': 'across', 'labels': 'all labels', 'lines': [alone, comparison(p)]}
        (tmp_path / name / 'study.json').write_text(json.dumps({'tables': [table]}))
    (tmp_path / 'second' / 'curve.png').write_bytes(b'picture')
    out = tmp_path / 'docs' / 'results.md'
    main([*(str(tmp_path / name) for name in ('first', 'second', 'third')), '--out', str(out)])
    text = out.read_text()
    assert 'all 2 comparisons' in text
    place = 'imu | camera | across, all labels'
    assert f'| first | {place} | +0.050 (+0.010 to +0.090), p 0.040 |' in text
    assert f'| second | {place} | +0.050 (+0.010 to +0.090), p 0.040 |' in text
    assert f'| third | {place} | +0.050 |' in text
    assert '## second\n\n![when it pays](pictures/second.png)\n\nSeeds 0.' in text
    assert (tmp_path / 'docs' / 'pictures' / 'second.png').read_bytes() == b'picture'


def test_a_folder_without_a_table_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / 'none'), '--out', str(tmp_path / 'page.md')])
    assert ended.value.code == 1
    assert 'none' in capsys.readouterr().err
    assert not (tmp_path / 'page.md').exists()


def line(target, row, score, clip=None):
    scores = {'target': target, 'row': row, 'sources': [], 'macro_f1': score, 'clip': clip}
    return {**scores, 'subjects': 5, 'runs': 1}


def write_study(folder, lines):
    folder.mkdir(exist_ok=True)
    (folder / 'table.md').write_text(f'# {folder.name}\n\nSeeds 0.\n')
    tables = [{'split': 'across', 'labels': 'all labels', 'lines': lines}]
    (folder / 'study.json').write_text(json.dumps({'tables': tables}))


def test_the_default_is_compared_with_the_best_simple_model_of_each_sensor(tmp_path):
    worse = {'mean': -0.03, 'low': -0.05, 'high': -0.01, 'p': 0.01}
    lines = [
        line('foot', 'default', 0.8),
        line('foot', 'forest', 0.77, worse),
        line('foot', 'ridge', 0.7, worse),
        line('ear', 'default', 0.5),
        line('ear', 'forest', 0.6),
    ]
    write_study(tmp_path / 'first', lines)
    out = tmp_path / 'results.md'
    main([str(tmp_path / 'first'), '--out', str(out)])
    text = out.read_text()
    assert '| first | foot | 5 | 0.800 | 0.770 | 0.700 | +0.030 (+0.010 to +0.050) |' in text
    assert '| first | ear | 5 | 0.500 | 0.600 |  | -0.100 |' in text
    assert 'At least as good on 1 of 2, better by 0.02 on 1.' in text
    # Another study, and another run of this one, keep what it does not say anew.
    write_study(tmp_path / 'first', [line('ear', 'default', 0.7), line('ear', 'forest', 0.6)])
    write_study(tmp_path / 'second', [line('ear', 'default', 0.6), line('ear', 'forest', 0.6)])
    main([str(tmp_path / 'first'), str(tmp_path / 'second'), '--out', str(out), '--add'])
    text = out.read_text()
    assert '| first | foot | 5 | 0.800 | 0.770 | 0.700 | +0.030 (+0.010 to +0.050) |' in text
    assert '| first | ear | 5 | 0.700 | 0.600 |  | +0.100 |' in text
    assert '| second | ear | 5 | 0.600 | 0.600 |  | +0.000 |' in text
    assert 'At least as good on 3 of 3, better by 0.02 on 2.' in text
    assert text.count('## The default encoder against simple models') == 1


def test_a_sensor_counts_once_where_a_study_tests_everybody(tmp_path):
    out = tmp_path / 'results.md'
    some = [line('ear', 'default', 0.7), line('ear', 'forest', 0.6)]
    foot = [line('foot', 'default', 0.7), line('foot', 'forest', 0.6)]
    write_study(tmp_path / 'set-default', [*some, *foot])
    write_study(tmp_path / 'set-default-folds', [line('ear', 'default', 0.5), *some[1:]])
    main(
        [str(tmp_path / name) for name in ('set-default', 'set-default-folds')]
        + ['--out', str(out)]
    )
    text = out.read_text()
    assert 'At least as good on 1 of 2' in text
    assert '| set-default | foot |' in text
    assert '| set-default | ear |' not in text
    main([str(tmp_path / 'set-default'), '--out', str(out), '--add'])
    assert '| set-default | ear |' not in out.read_text()


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


def write_comparisons(folder, *rows):
    folder.mkdir(exist_ok=True)
    (folder / 'table.md').write_text(f'# {folder.name}\n\nSeeds 0.\n')
    lines = [comparison(0.02) | {'row': row} for row in rows]
    tables = [{'split': 'across', 'labels': 'all labels', 'lines': lines}]
    (folder / 'study.json').write_text(json.dumps({'tables': tables if rows else []}))


def test_of_a_study_that_is_given_anew_no_old_comparison_stays(tmp_path):
    out = tmp_path / 'results.md'
    folders = [tmp_path / name for name in ('first', 'second', 'third')]
    first, second, third = folders
    write_comparisons(first, 'D-CAT')
    write_comparisons(second, 'D-CAT')
    write_comparisons(third, 'InfoNCE')
    main([*map(str, folders), '--out', str(out)])

    def rows():
        lines = out.read_text().splitlines()
        return [line.split(' | ')[0] for line in lines if ' | imu | camera | ' in line]

    assert rows() == ['| first', '| second', '| third']
    write_comparisons(second, 'distillation')
    for _ in range(2):
        main([str(second), '--out', str(out), '--add'])
        assert rows() == ['| second', '| first', '| third']
    text = out.read_text()
    # Else it would go on with what is said of the next one.
    assert text.count('\n\nΔ of') == text.count('\nΔ of')
    assert 'over all 1 comparisons of this table.\n\n| study' in text
    assert 'over all 3 comparisons of this table, with those made anew since.\n\n| st' in text
    # A table of nothing else goes, and with the last row the part.
    main([str(first), str(third), '--out', str(out), '--add'])
    assert rows() == ['| first', '| third', '| second']
    assert 'made anew since' not in out.read_text()
    for folder in folders:
        write_comparisons(folder)
    main([*map(str, folders), '--out', str(out), '--add'])
    assert 'All methods on all sets' not in out.read_text()
