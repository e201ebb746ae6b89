"""Registers the claims' pytest layer for every folder of the project."""

pytest_plugins = ["fixtures.plugin"]
