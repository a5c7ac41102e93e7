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

"""What goes with a release is readable, and says the same everywhere."""

from pathlib import Path

from catkin_pkg.changelog import get_changelog_from_path
import pytest
import yaml

import xmodal_ros

ROOT = Path(__file__).parents[2]
FORMS = sorted((ROOT / '.github').rglob('*.yml'))


def test_bloom_reads_the_change_log() -> None:
    versions = [version for version, _, _ in get_changelog(ROOT).foreach_version()]
    assert xmodal_ros.__version__ in versions


def get_changelog(folder: Path):
    changelog = get_changelog_from_path(str(folder), 'xmodal_ros')
    assert changelog is not None
    return changelog


def test_the_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text(encoding='utf-8'))
    assert citation['version'] == xmodal_ros.__version__
    assert citation['license'] == 'Apache-2.0'


@pytest.mark.parametrize('path', FORMS, ids=lambda path: path.name)
def test_forms_and_workflows_are_yaml(path: Path) -> None:
    assert yaml.safe_load(path.read_text(encoding='utf-8'))


def test_a_report_of_a_bug_asks_for_the_doctor() -> None:
    form = yaml.safe_load((ROOT / '.github/ISSUE_TEMPLATE/bug.yml').read_text(encoding='utf-8'))
    asked = {field['id']: field for field in form['body']}
    assert 'xmodal doctor --json' in asked['doctor']['attributes']['label']
    assert asked['doctor']['validations']['required']
