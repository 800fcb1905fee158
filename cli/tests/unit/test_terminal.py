"""What is shown of the processes' output."""

import io

import pytest

from antiphon.supervisor.child import restart_delay
from antiphon.supervisor.plan import Process
from antiphon.supervisor.terminal import Terminal, readable

WEB = Process("auth.web", (), {})


def shown(*lines: str, process: Process = WEB, verbose: bool = False) -> list[str]:
    stream = io.StringIO()
    terminal = Terminal(stream, verbose=verbose)
    for line in lines:
        terminal.show(process, line)
    return stream.getvalue().splitlines()


def test_json_becomes_words_without_what_only_machines_need() -> None:
    line = (
        '{"service": "auth", "event": "login_refused", "user": 7, "level": "warning", '
        '"logger": "auth.http", "timestamp": "2026-11-23T21:00:00Z", "trace_id": "00ff"}'
    )

    assert readable(line) == ("warning", "login_refused user=7")


def test_trace_of_an_exception_is_kept() -> None:
    line = '{"event": "failed", "level": "error", "exception": "Traceback ...\\nKeyError: 1"}'

    assert readable(line) == ("error", "failed\nTraceback ...\nKeyError: 1")


def test_request_of_the_gateway_is_one_phrase() -> None:
    line = '{"level":"error","msg":"handled","request":{"method":"GET","uri":"/a"},"status":502}'

    assert readable(line) == ("error", "handled GET /a status=502")


@pytest.mark.parametrize("line", ["plain", '{"half": ', "[1]", "{not json}"])
def test_other_text_stays_as_it_is(line: str) -> None:
    assert readable(line) == ("info", line)


def test_quiet_shows_warnings_only() -> None:
    lines = shown('{"level": "info", "event": "a"}', '{"level": "error", "event": "b"}', "c")

    assert lines == ["auth.web         | b"]


def test_verbose_shows_all() -> None:
    assert len(shown('{"level": "debug", "event": "a"}', "b", verbose=True)) == 2


def test_process_may_be_quieter_than_others() -> None:
    caddy = Process("gateway", (), {}, shown_level="error")

    assert shown('{"level": "warn", "msg": "admin disabled"}', "text", process=caddy) == []
    assert shown('{"level": "error", "msg": "broken"}', process=caddy) != []


def test_colours_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain, refused = Tty(), io.StringIO(), Tty()
    Terminal(coloured).say("ready")
    Terminal(plain).say("ready")
    monkeypatch.setenv("NO_COLOR", "1")
    Terminal(refused).say("ready")

    assert "\033[" in coloured.getvalue()
    assert "\033[" not in plain.getvalue() + refused.getvalue()


def test_pauses_grow_to_fifteen_seconds() -> None:
    assert [restart_delay(failures) for failures in range(1, 8)] == [1, 2, 4, 8, 15, 15, 15]
