"""Flexion -> repetitions, extension plateaus and release quality."""

from analysis.movement.releases import find_releases
from analysis.movement.repetitions import find_repetitions
from analysis.movement.result import Plateau, Release, Repetition

__all__ = ["Plateau", "Release", "Repetition", "find_releases", "find_repetitions"]
