"""``python -m viftrail``."""

from viftrail.cli.main import main

main()
