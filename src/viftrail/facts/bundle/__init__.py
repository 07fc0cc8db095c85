"""Facts in one file: written by `collect`, read by everything."""
