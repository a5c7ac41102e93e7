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

"""How ``make docs`` builds the site."""

from pathlib import Path
import re

_ROOT = Path(__file__).parents[1]
_BESIDE = r'(benchmarks|config|examples|test|xmodal_ros)\b.*'

project = 'xmodal_ros'
author = 'xmodal_ros maintainers'
release = re.findall(r'<version>(.*)</version>', (_ROOT / 'package.xml').read_text('utf-8'))[0]
extensions = ['myst_parser']
exclude_patterns = ['_build']
# Sections are linked as on a code host: by their words, with hyphens between.
myst_heading_anchors = 3
myst_enable_extensions = ['deflist']
nitpicky = True
# What lies beside this folder is no page; test/test_citations.py looks whether it is there.
nitpick_ignore_regex = [('myst', rf'((\.\./)+|{re.escape(str(_ROOT))}/){_BESIDE}')]

html_theme = 'furo'
html_title = f'xmodal_ros {release}'
# Pages are opened as files too, where a browser gives no page the text of another one.
html_show_search_summary = False
html_copy_source = False
html_show_sourcelink = False
