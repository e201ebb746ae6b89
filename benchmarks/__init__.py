"""Measurements of the harness: how often verdicts are wrong, and how fast it trains."""
