"""The names of all transfer methods, for those who check what is asked for before torch is loaded.

They are read off the files of this package, so that a method stays one file.
"""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.abc import InspectLoader
import importlib.util
import pkgutil
from typing import Final

from xmodal_ros import methods

_DECLARATION: Final = 'name: ClassVar[str] = '


@cache
def declared_names() -> tuple[str, ...]:
    """Give the names of all methods, sorted, without importing any.

    They are those that classes of this package declare as ``name: ClassVar[str] = '...'``. Empty
    where the package was installed without its sources.
    """
    return tuple(sorted(name for module in _modules() for name in _declared(_source(module))))


def _modules() -> Iterator[str]:
    for module in pkgutil.iter_modules(methods.__path__):
        yield f'{methods.__name__}.{module.name}'


def _source(module: str) -> str:
    spec = importlib.util.find_spec(module)
    loader = None if spec is None else spec.loader
    return (loader.get_source(module) or '') if isinstance(loader, InspectLoader) else ''


def _declared(source: str) -> Iterator[str]:
    # Most of the time goes into parsing, and most files declare none.
    if _DECLARATION not in source:
        return
    for node in ast.parse(source).body:
        for statement in node.body if isinstance(node, ast.ClassDef) else ():
            match statement:
                case ast.AnnAssign(target=ast.Name('name'), value=ast.Constant(str(name))):
                    yield name
