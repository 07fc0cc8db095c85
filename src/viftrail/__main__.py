"""``python -m viftrail``."""

from viftrail.entry import main

main()
