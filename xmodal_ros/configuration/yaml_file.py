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

"""Files of settings in YAML: keys with values, whose plain words stay words."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from xmodal_ros.errors import ConfigurationError


class _Words(yaml.SafeLoader):
    """YAML whose plain words stay words: subject 05 is not 5, and 'no' is not false."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as yaml has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((':null', ':merge'))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that is there twice, of which one would be lost."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag.endswith(':merge'):
                # What '<<' brings in gives way to what is there.
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"'{key}' is there twice", key_node.start_mark
                )
            seen.add(key if isinstance(key, Hashable) else None)
        return super().construct_mapping(node, deep)


def read_yaml(file: Path) -> dict[str, Any]:
    """Give the keys of a file that have a value; raises :class:`ConfigurationError`."""
    try:
        content = yaml.load(file.read_text(encoding='utf-8'), _Words)  # noqa: S506 - a SafeLoader
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        words = ' '.join(str(error).split())
        raise ConfigurationError(f'{file} cannot be read as a configuration: {words}') from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"{file} must hold keys with values, as 'target: imu_wrist'")
    # A key without a value is one that is not given.
    return {str(key): value for key, value in content.items() if value is not None}


def on_one_line(value: Any) -> str:
    """Give a value on one line of YAML."""
    if isinstance(value, list | tuple):
        value = [str(each) for each in value]
    elif isinstance(value, Path):
        value = str(value)
    written: str = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=1 << 20
    )
    return written.removesuffix('\n').removesuffix('\n...')
