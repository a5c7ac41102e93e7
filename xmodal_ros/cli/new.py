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

"""``xmodal new``: a package of one's own with a method, a modality or an encoder that works."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)

_NAME = typer.Argument(metavar='NAME', help='What it is to be called: lower_case_words.')
_OUT = typer.Option(
    metavar='FOLDER', help='Write the package here. Default: xmodal_NAME in this folder.'
)


@app.callback()
def new() -> None:
    """Begin a package that adds to xmodal_ros without a change to it, with its test.

    What is written works as it is and passes its test; change it into yours.
    """


@app.command()
def method(name: Annotated[str, _NAME], out: Annotated[Path | None, _OUT] = None) -> None:
    """Begin a transfer method: how a target learns from other sensors.

    Example: xmodal new method gentle_distillation
    """
    from xmodal_ros.cli.new_run import run

    run('method', name, out)


@app.command()
def modality(name: Annotated[str, _NAME], out: Annotated[Path | None, _OUT] = None) -> None:
    """Begin a modality: a kind of sensor, and how it is drawn.

    Example: xmodal new modality radar
    """
    from xmodal_ros.cli.new_run import run

    run('modality', name, out)


@app.command()
def encoder(name: Annotated[str, _NAME], out: Annotated[Path | None, _OUT] = None) -> None:
    """Begin an encoder: windows to tokens.

    Example: xmodal new encoder wavelets --out xmodal_wavelets
    """
    from xmodal_ros.cli.new_run import run

    run('encoder', name, out)
