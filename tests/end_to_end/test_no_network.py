"""All data stay on this computer: an analysis from reading to report opens no connection."""

from __future__ import annotations

import socket

import pytest

from analysis.cli.recordings import report


def test_analysis_opens_no_connection(session_folder, monkeypatch) -> None:
    def refuse(*arguments: object) -> None:
        pytest.fail(f"a connection was tried: {arguments}")

    for call in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, call, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    report(session_folder)
    assert (session_folder / "derived" / "report.html").exists()
