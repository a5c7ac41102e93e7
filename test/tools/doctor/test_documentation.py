"""docs/doctor.md names every kind of finding there is."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]


def finding_codes(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            code = node.args[1] if node.func.id in ('Finding', 'Problem') else None
            if isinstance(code, ast.Constant):
                yield str(code.value)


def test_every_code_is_explained() -> None:
    package = ROOT / 'xmodal_ros'
    files = [
        *(package / 'modalities').rglob('*.py'),
        *(package / 'tools' / 'doctor').glob('*.py'),
        package / 'cli' / 'doctor_run.py',
    ]
    codes = {code for file in files for code in finding_codes(file)}
    assert len(codes) > 40
    page = (ROOT / 'docs' / 'doctor.md').read_text(encoding='utf-8')
    assert [code for code in sorted(codes) if f'`{code}`' not in page] == []
