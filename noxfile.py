"""One command that checks everything: `nox`. Sessions: test, fast, explore, oldest, lint, types, docs."""

from __future__ import annotations

import nox

nox.options.sessions = ["test", "lint", "types"]


@nox.session
def test(session: nox.Session) -> None:
    """All tests, on the installed package."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def fast(session: nox.Session) -> None:
    """The tests that are neither slow nor wait for the real world."""
    session.install(".[test]")
    session.run("pytest", "-m", "not slow and not real_time", *session.posargs)


@nox.session
def explore(session: nox.Session) -> None:
    """The property tests on examples that nobody has drawn before."""
    session.install(".[test]")
    session.run("pytest", "-m", "not slow", "--hypothesis-profile=explore", *session.posargs)


@nox.session(venv_backend="uv")
def oldest(session: nox.Session) -> None:
    """All tests with the oldest libraries that pyproject.toml allows."""
    session.install("--resolution", "lowest-direct", ".[test]")
    # What an old library says to a new one that it uses is not ours to mend.
    session.run("pytest", "-W", "ignore::DeprecationWarning", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Rules and format."""
    session.install("ruff>=0.9")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    session.install(".[test]")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, strictly, without network; open docs/_build/index.html."""
    session.install(".[docs,sim]")
    session.run("sphinx-build", "-q", "-W", "--keep-going", "docs", "docs/_build")
