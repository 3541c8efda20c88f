"""The `kneeflex` command: wiring only. Every command loads what it needs when it runs."""

from analysis.cli.app import main

__all__ = ["main"]
