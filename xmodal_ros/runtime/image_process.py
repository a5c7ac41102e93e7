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

"""Settings of a process through which images go, thirty a second and a megabyte each."""

import contextlib
import ctypes
from typing import Final

# mallopt(3): what is larger is mapped from the kernel and given back when it is freed, and what
# is free at the end of an arena beyond the other is given back too. glibc moves both by itself,
# the first up to this and the second to twice that, but ends below what an image needs.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_BLOCK: Final = 32 << 20


def expect_images() -> None:
    """Let this process keep the memory of images it is done with, and use one thread for each.

    Middleware, Python and OpenCV each allocate an image anew; given back to the kernel, its pages
    would be faulted in again with every frame, which costs more than everything else together.
    OpenCV's pool spins while it waits: it takes more CPU than it saves time. What is computed
    stays the same. Where the C library is not glibc, its memory is left alone.
    """
    # Here, for a process without images to start without it.
    import cv2

    cv2.setNumThreads(1)
    with contextlib.suppress(AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, _LARGEST_BLOCK)
        libc.mallopt(_TRIM_THRESHOLD, 2 * _LARGEST_BLOCK)
