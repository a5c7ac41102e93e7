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

"""Do the tests notice a change of the code? Each mutant is one change, held against its tests.

    python benchmarks/mutants.py [PART …] [--most N] [--seed N] [--json FILE]

A comparison, an operator, a number, a condition or a result of a function is changed, in a process
forked after everything was imported; a test that fails has noticed it. Prints those that none has:
each is a gap of the tests, or changes nothing that counts.
"""

import argparse
import ast
from collections.abc import Callable, Iterator
import contextlib
import copy
from dataclasses import asdict, dataclass
import importlib
import inspect
import io
import json
import os
from pathlib import Path
import random
import signal
import sys
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

import pytest
from rich.console import Console

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

# What is mutated, and the tests that are to notice it, quick ones first.
PARTS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    'clock': (('xmodal_ros.windows.clock', 'xmodal_ros.windows.leap'), ('test/windows',)),
    'windows': (
        ('xmodal_ros.windows.assembler', 'xmodal_ros.windows.epochs'),
        ('test/windows', 'test/runtime/test_time_jumps.py'),
    ),
    'selector': (
        ('xmodal_ros.runtime.selector', 'xmodal_ros.runtime.label_track'),
        (
            'test/runtime/test_label_track.py',
            'test/runtime/test_selector.py',
            'test/runtime/test_selector_time.py',
            'test/runtime/test_selector_fusion.py',
            'test/runtime/test_selector_model.py',
            'test/runtime/test_selector_properties.py',
        ),
    ),
    'bundle': (
        ('xmodal_ros.models.bundle', 'xmodal_ros.models.configuration_bundle'),
        ('test/models/test_bundle.py', 'test/models/test_kept_bundles.py'),
    ),
}
# Far longer than the tests of any part take; a mutant that never ends is noticed too.
_LONGEST_S: Final = 300
_COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_COMPUTED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    """One change: where it is, and what the line says before and after."""

    module: str
    line: int
    before: str
    after: str
    noticed: bool = False


def mutate(node: ast.AST) -> Iterator[Callable[[], None]]:
    """Yield what changes a node in one way each."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARED:
            yield lambda: node.ops.__setitem__(0, _COMPARED[type(operator)]())
        case ast.BinOp(op=operator) if type(operator) in _COMPUTED:
            yield lambda: setattr(node, 'op', _COMPUTED[type(operator)]())
        case ast.BoolOp():
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield lambda: setattr(node, 'op', other)
        case ast.UnaryOp(op=ast.Not()):
            yield lambda: setattr(node, 'op', ast.UAdd()) or _truth(node)
        case ast.Constant(value=bool() as value):
            yield lambda: setattr(node, 'value', not value)
        case ast.Constant(value=int() as value):
            yield lambda: setattr(node, 'value', value + 1)
        case ast.Return(value=ast.expr()) if not isinstance(node.value, ast.Constant):
            yield lambda: setattr(node, 'value', ast.Constant(None))
        case ast.Expr(value=ast.Call()):
            yield lambda: setattr(node, 'value', ast.Constant(None))
        case ast.Continue() | ast.Break():
            yield lambda: setattr(node, '__class__', ast.Pass)


def _truth(node: ast.UnaryOp) -> None:
    """Leave out a ``not``: what is asked for is whether it is so."""
    node.operand = ast.Call(ast.Name('bool', ast.Load()), [node.operand], [])


def mutants(module: ModuleType) -> Iterator[tuple[Mutant, CodeType]]:
    """Yield every mutant of the functions of a module, compiled."""
    source = inspect.getsource(module)
    lines = source.splitlines()
    bodies = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]
    inside = {
        (n.lineno, n.col_offset, type(n))
        for body in bodies
        for statement in body.body
        for n in ast.walk(statement)
        if hasattr(n, 'lineno')
    }
    for index, node in enumerate(ast.walk(ast.parse(source))):
        place = (getattr(node, 'lineno', 0), getattr(node, 'col_offset', 0), type(node))
        if place not in inside:
            continue
        for kind, _ in enumerate(mutate(node)):
            tree = ast.parse(source)
            changed = next(n for k, n in enumerate(ast.walk(tree)) if k == index)
            statement = next(
                n
                for n in ast.walk(tree)
                if isinstance(n, ast.stmt) and any(each is changed for each in _own(n))
            )
            before = ast.unparse(copy.deepcopy(statement)).splitlines()[0]
            list(mutate(changed))[kind]()
            ast.fix_missing_locations(tree)
            after = ast.unparse(statement).splitlines()[0]
            if before == after:
                before, after = lines[place[0] - 1].strip(), f'{type(node).__name__} changed'
            code = compile(tree, module.__file__ or '', 'exec')
            yield Mutant(module.__name__, place[0], before, after), code


def _own(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield what belongs to a statement itself, and not to those within."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [n for n in ast.iter_child_nodes(node) if not isinstance(n, ast.stmt)]


def put_in(module: ModuleType, code: CodeType) -> None:
    """Let the functions of a module do what the mutant says, whoever has got hold of them."""
    for found in _codes(code):
        for function in _functions(module, found.co_qualname):
            if len(found.co_freevars) == len(function.__code__.co_freevars):
                function.__code__ = found


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if '<locals>' not in constant.co_qualname:
                yield constant
            yield from _codes(constant)


def _functions(module: ModuleType, name: str) -> Iterator[FunctionType]:
    found: Any = module
    for part in name.split('.'):
        found = inspect.getattr_static(found, part, None)
    for each in (found, *(getattr(found, name, None) for name in ('fget', '__func__'))):
        while each is not None:
            if isinstance(each, FunctionType):
                yield each
            each = getattr(each, '__wrapped__', None)


def is_noticed(module: ModuleType, code: CodeType | None, tests: tuple[str, ...]) -> bool:
    """Run the tests against a mutant, in a process of its own, and tell whether one fails.

    Without a mutant none should.
    """
    pid = os.fork()
    if not pid:
        signal.alarm(_LONGEST_S)
        if code is not None:
            put_in(module, code)
        os._exit(bool(run(tests)))
    return os.waitpid(pid, 0)[1] != 0


def run(tests: tuple[str, ...]) -> int:
    """Run tests until one fails, without a word."""
    options = ['-q', '-x', '-p', 'no:cacheprovider', '-p', 'no:xdist', '-p', 'no:faulthandler']
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        return int(pytest.main([*options, *(str(ROOT / each) for each in tests)]))


def main() -> int:
    """Run, print, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('parts', nargs='*', help=f'of {", ".join(PARTS)}; all unless given')
    parser.add_argument('--most', type=int, help='so many of each part, drawn by the seed')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--json', type=Path, help='write all of them there')
    arguments = parser.parse_args()
    os.chdir(ROOT)
    console, tried = Console(soft_wrap=True), []
    for part in arguments.parts or PARTS:
        names, tests = PARTS[part]
        modules = [importlib.import_module(name) for name in names]
        # Whatever they import is there for all of the processes.
        assert not run(tests), f'the tests of {part} fail without a change'
        assert not is_noticed(modules[0], None, tests), f'{part}: a fork alone lets tests fail'
        all_of_them = [(module, *each) for module in modules for each in mutants(module)]
        drawn = all_of_them
        if arguments.most is not None and arguments.most < len(drawn):
            drawn = random.Random(arguments.seed).sample(drawn, arguments.most)
        survivors = 0
        for module, mutant, code in drawn:
            noticed = is_noticed(module, code, tests)
            tried.append(Mutant(**{**asdict(mutant), 'noticed': noticed}))
            if not noticed:
                survivors += 1
                where = f'{mutant.module}:{mutant.line}'
                console.print(f'{where}: {mutant.before}  ->  {mutant.after}', markup=False)
        count = len(drawn) - survivors
        console.print(f'{part}: {count} of {len(drawn)} noticed, {len(all_of_them)} possible')
        if arguments.json:
            arguments.json.write_text(json.dumps([asdict(each) for each in tried], indent=1))
    return 0


if __name__ == '__main__':
    sys.exit(main())
