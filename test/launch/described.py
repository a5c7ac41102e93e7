"""Bundles of which nothing but what launch files read is there: quicker than whole ones."""

import json
from pathlib import Path


def describe_bundle(path: Path, *, sensor: str = 'imu', window_s: int = 2) -> Path:
    """A bundle's description."""
    path.mkdir()
    document = {'sensor': sensor, 'window': {'length_ns': window_s * 1_000_000_000}}
    (path / 'bundle.json').write_text(json.dumps(document))
    return path
