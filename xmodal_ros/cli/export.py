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

"""``xmodal export``: a bundle for programs other than this one."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from xmodal_ros.files import check_writable

_INTO_THE_BUNDLE = ''


def with_file_left_out(arguments: Sequence[str], option: str) -> list[str]:
    """Give ``option`` an empty value where no word follows it, so that it may stand alone."""
    given: list[str] = []
    for word, following in pairwise([*arguments, '--']):
        given.append(word)
        if word == option and following.startswith('-'):
            given.append(_INTO_THE_BUNDLE)
    return given


class OptionalFileCommand(typer.core.TyperCommand):
    """A command whose option ``--onnx`` may stand without its file."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Fill in the file, then parse as ever."""
        parsed: list[str] = super().parse_args(ctx, with_file_left_out(args, '--onnx'))
        return parsed


COMMAND_CLASS = OptionalFileCommand


def export(
    bundle: Annotated[
        Path,
        typer.Argument(metavar='BUNDLE', help='The bundle: a folder that training wrote.'),
    ],
    onnx: Annotated[
        str | None,
        typer.Option(
            '--onnx',
            metavar='[FILE]',
            help='Write the ONNX file here. Without, it goes into the bundle, as model.onnx, '
            "where the runtime 'onnx' finds it.",
        ),
    ] = None,
    opset: Annotated[
        int, typer.Option(help='Version of the ONNX operators, 18 to 23.', metavar='N')
    ] = 18,
) -> None:
    """Write a bundle's model as an ONNX file that needs nothing else.

    One raw window in SI units goes in, logits come out: preprocessing and stored samples are
    inside, labels and temperature in its metadata. Before it is written it must give the logits
    that torch gives, over the bundle's golden sample, silence and random windows.

    Example: xmodal export models/imu --onnx imu.onnx
    """
    check_writable(Path(onnx) if onnx else None)
    from xmodal_ros.cli.export_run import run

    run(bundle, Path(onnx) if onnx else None, opset)
