"""Tests that need what is not installed everywhere, without loading it while tests are collected.

Every process that runs tests collects all of them, and some packages take seconds to load.
"""

from importlib.util import find_spec

import pytest


def need(*packages: str) -> None:
    """Skip a test, or the whole module that says so at its top, where a package is missing."""
    for package in packages:
        if find_spec(package) is None:
            pytest.skip(f'no {package}: pip install {package}', allow_module_level=True)
