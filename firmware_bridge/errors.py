"""The error tree. Every error is one or two plain sentences: what is wrong, and what to do next."""

from __future__ import annotations


class KneeflexError(Exception):
    """Base of everything this project raises on purpose.

    `problem` says what is wrong, `advice` what the person can do next; both are whole sentences.
    """

    def __init__(self, problem: str, advice: str = "") -> None:
        self.problem = problem
        self.advice = advice
        super().__init__(f"{problem} {advice}".strip())


class UsageError(KneeflexError, ValueError):
    """The call itself is wrong: an unknown format, a bad option."""


class SessionError(KneeflexError):
    """A file or folder cannot be read as, or written as, a recording."""


class MissingPathError(UsageError, SessionError):
    """There is no such file or folder; most often it is misspelled."""


class DecodeError(KneeflexError, ValueError):
    """Bytes from a sensor that its protocol does not allow."""


class LinkError(KneeflexError):
    """A sensor cannot be found, reached or started."""


class CannotAnswerError(KneeflexError):
    """The recording is readable, but it does not hold what the question needs."""
