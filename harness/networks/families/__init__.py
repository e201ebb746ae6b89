"""Network families, one module each; see :mod:`harness.networks`."""
