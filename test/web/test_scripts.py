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

"""The modules of a page make one script, for a page that refers to no other file."""

import re

import pytest

from xmodal_ros.web import scripts
from xmodal_ros.web.scripts import one_script, page_files, read_page_file


def test_each_module_is_there_once_after_those_that_it_needs():
    script = one_script('report/page.js')
    assert not re.search(r'^(import|export)\b', script, re.MULTILINE)
    order = [script.index(f'class {name} ') for name in ('View', 'Timeline', 'Paper')]
    assert order == sorted(order)
    assert script.count('class Timeline ') == 1
    # Its very text, but for what joins the modules.
    assert read_page_file('report/page.js').rpartition("';\n")[2] in script


def test_all_that_a_page_imports_is_named_among_its_files():
    named = {*page_files('', 'labelling', 'watch')}
    assert {'timeline.js', 'base.css', 'labelling/app.js', 'watch/page.js'} <= named
    assert 'report/page.js' not in named
    for name in named:
        for other in re.findall(r"from '([^']+)'", read_page_file(name)):
            folder = f'{name.partition("/")[0]}/' if '/' in name else ''
            path = other.replace('./', folder, 1) if other.startswith('./') else other[3:]
            assert path in named, (name, other)


def test_two_modules_that_give_one_name_are_refused(monkeypatch):
    files = {
        'a.js': "import {b} from './b.js';\nconst width = 1;\n",
        'b.js': 'export const b = 2;\nfunction width() {}\n',
    }
    monkeypatch.setattr(scripts, 'read_page_file', files.__getitem__)
    with pytest.raises(ValueError, match='width'):
        one_script('a.js')
