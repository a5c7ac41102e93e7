"""Open a page in the browser, where there is a screen to show it on."""

import os
import sys
import webbrowser


def open_browser(url: str) -> None:
    """Open ``url``; without a screen a browser would be one for terminals, and take this over."""
    screen = os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')
    if screen or not sys.platform.startswith('linux'):
        webbrowser.open(url)
