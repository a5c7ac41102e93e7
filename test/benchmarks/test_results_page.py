"""The page of results holds what studies wrote, word for word, under headings of its own."""

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


def test_a_folder_without_a_table_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / 'none'), '--out', str(tmp_path / 'page.md')])
    assert ended.value.code == 1
    assert 'none' in capsys.readouterr().err
    assert not (tmp_path / 'page.md').exists()
