"""Makes or updates the environment: ``python -m xmodal_standalone``."""

import sys

from xmodal_standalone.steps import main

sys.exit(main(sys.argv[1:]))
