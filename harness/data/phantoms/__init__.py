"""Generated data sets; each module holds a ``GENERATOR`` that stands in for one or more real ones."""
