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

"""The table of README.md is that of docs/results.md."""

from benchmarks.when_transfer_pays import comparisons, RESULTS, ROOT, with_table

HEAD = (
    '| target | sources | row | per clip | seeds | Δ per clip | p |\n'
    '| --- | --- | --- | --- | --- | --- | --- |\n'
)


def test_the_readme_says_what_the_results_say() -> None:
    found = comparisons(RESULTS.read_text(encoding='utf-8'))
    assert len(found) > 1
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert with_table(readme, found) == readme, 'run: python benchmarks/when_transfer_pays.py'
    assert all(each.low <= each.mean <= each.high for each in found)


def test_a_table_without_the_row_or_without_people_gives_nothing() -> None:
    row = '| camera | imu | distillation | 0.6 | 5 |  | 1 |\n'
    page = f'\n## study\n\n### Across, all labels\n\n4 test subjects\n\n{HEAD}{row}'
    assert comparisons(page) == []
    assert comparisons(page.replace('4 test subjects', '')) == []


def test_people_who_are_known_are_no_gain_on_people_not_met_before() -> None:
    rows = (
        '| camera | | **unimodal** | 0.5 | 1 | | |\n'
        '| camera | imu | distillation | 0.6 | 1 | +0.100 (+0.050 to +0.150) | 1 |\n'
    )
    page = '\n## study\n\n### {}, all labels\n\n4 test subjects\n\n' + HEAD + rows
    once = comparisons(page.format('Across'))
    assert len(once) == 1
    # Another study of the same comparison is further down.
    again = page.format('Across') + page.format('Across').replace('+0.100', '+0.120')
    assert comparisons(again) == once
    used = 'imu (used 1/1), skeleton (used 0/1)'
    recipe = f'| camera | {used} | xmodal | 0.6 | 1 | +0.110 (+0.0 to +0.2) | 1 |\n'
    both = page.format('Across').replace('| imu |', '| imu, skeleton |') + recipe
    (found,) = comparisons(both)
    assert (found.method, found.mean) == ('xmodal', 0.11)
    assert found.name == 'camera from imu and skeleton, all labels'
    # And the recipe's goes before another study's that has none, wherever that is.
    plain = page.format('Across').replace('| imu |', '| imu, skeleton |')
    assert comparisons(plain + both) == comparisons(both + plain) == [found]
    assert comparisons(page.format('Within')) == []
    # What a study of several amounts says has a picture of its own.
    curve = page.format('Across').replace(
        '## study', '## study\n\nxmodal study set-curve --out studies/set-curve'
    )
    assert comparisons(curve) == []
