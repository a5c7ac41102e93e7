"""Paths as people write them: whatever they wrote, asking about one raises nothing."""

from pathlib import Path


def user_path(name: str) -> Path:
    """Give the path that ``name`` says, ``~`` being somebody's home where he is known here."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        # Nobody of that name: there will be nothing at this path, which then is said of it.
        return Path(name)


def is_folder(path: Path) -> bool:
    """Tell whether a folder that can be looked into is there."""
    try:
        return path.is_dir()
    except OSError:
        # Of a name too long, or in a folder that may not be entered.
        return False


def is_there(path: Path) -> bool:
    """Tell whether there is anything at a path that can be seen."""
    try:
        return path.exists()
    except OSError:
        return False
