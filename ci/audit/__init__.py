"""Where the papers' own figures contradict one another, found by computation.

``python -m ci.audit`` prints the page ``docs/papers-audit.md``.
"""
