"""One module for each data set, named like it, with its ``ADAPTER``."""
