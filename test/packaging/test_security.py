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

"""What code may not do, read from its text: docs/security.md relies on it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[2]
# What turns bytes into objects by running code that they name.
UNPICKLERS: Final = {'pickle', 'cPickle', '_pickle', 'dill', 'cloudpickle', 'marshal', 'shelve'}
# Unpickle what processes that they have started themselves send them through their pipes, or an
# error of this process, to see whether it can be sent; and no file.
OWN_PROCESSES: Final = ('executors.py', 'training/parts.py')
CLIENTS: Final = {'requests', 'httpx', 'aiohttp', 'urllib3', 'ftplib', 'telnetlib', 'smtplib'}
RUNNERS: Final = {'eval', 'exec', 'compile', '__import__'}
# Where a server listens; each is held to this machine by a test of its own.
SERVERS: Final = {'web/server.py'}


@cache
def modules() -> dict[str, ast.Module]:
    package = ROOT / 'xmodal_ros'
    return {
        str(path.relative_to(package)): ast.parse(path.read_text(encoding='utf-8'))
        for path in sorted(package.rglob('*.py'))
    }


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Give every call with its module and the dotted name of what is called."""
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield name, ast.unparse(node.func), node


def keyword(call: ast.Call, name: str) -> str:
    return next((ast.unparse(each.value) for each in call.keywords if each.arg == name), '')


def test_nothing_is_unpickled_but_what_processes_of_ours_send() -> None:
    found = [
        f'{name}: {module}'
        for name, tree in modules().items()
        for module in imports(tree)
        if module.partition('.')[0] in UNPICKLERS
    ]
    assert found == [f'{name}: pickle' for name in OWN_PROCESSES]
    for name, called, call in calls():
        where = f'{name}:{call.lineno}'
        assert called not in ('joblib.load', 'np.lib.format.read_array'), where
        if called == 'torch.load':
            # Of a file that the user names: tensors alone, whatever else it holds.
            assert keyword(call, 'weights_only') == 'True', where
        if called == 'np.load':
            assert keyword(call, 'allow_pickle') == 'False', where
        # What a process of our own sends, not a file; even so as plain tensors alone.
        if not where.startswith(OWN_PROCESSES):
            assert not called.endswith(('.loads', '.load')) or 'pickle' not in called, where
        else:
            assert called not in ('pickle.load', 'open'), where


def test_no_text_becomes_code_and_no_shell_is_asked() -> None:
    for name, called, call in calls():
        where = f'{name}:{call.lineno}'
        assert called not in RUNNERS, where
        assert called not in ('os.system', 'os.popen', 'subprocess.getoutput'), where
        assert keyword(call, 'shell') in ('', 'False'), where
        assert called not in ('yaml.unsafe_load', 'yaml.full_load'), where
        if called == 'YAML' and call.keywords:
            assert keyword(call, 'typ') in ("'safe'", "'rt'", ''), where


def test_no_archive_is_unpacked_by_the_names_within() -> None:
    for name, called, call in calls():
        where = f'{name}:{call.lineno}'
        assert not called.endswith(('.extractall', '.extract', 'unpack_archive')), where


def test_nothing_is_fetched_and_servers_are_known() -> None:
    servers = set()
    for name, tree in modules().items():
        wanted = {module.partition('.')[0] for module in imports(tree)}
        assert not wanted & CLIENTS, name
        assert 'urllib.request' not in set(imports(tree)), name
        if {'http.server', 'socketserver'} & set(imports(tree)):
            servers.add(name)
    assert servers == SERVERS


def test_the_checks_find_what_they_are_for() -> None:
    bad = ast.parse('import pickle\nnp.load(f, allow_pickle=True)\nsubprocess.run(c, shell=True)')
    assert 'pickle' in set(imports(bad))
    found = [node for node in ast.walk(bad) if isinstance(node, ast.Call)]
    assert [keyword(each, 'allow_pickle') for each in found] == ['True', '']
    assert [keyword(each, 'shell') for each in found] == ['', 'True']
