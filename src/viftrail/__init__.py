"""viftrail: why can't this VM talk?"""

__version__ = "0.1.0"
