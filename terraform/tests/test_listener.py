"""The reading of listener rules that test_routing.py relies on."""

from typing import Any

import pytest

from harness.listener import Answer, answer, matches


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/a", "/a", True),
        ("/a", "/a/", False),
        ("/a", "/A", False),
        ("/a/*", "/a/", True),
        ("/a/*", "/a/b/c", True),
        ("/a/*", "/a", False),
        ("/a*", "/ab", True),
        ("/a?", "/a", False),
        ("/a?", "/ab", True),
        ("/a?", "/abc", False),
        ("/a.b", "/axb", False),
        ("/a+", "/aa", False),
    ],
)
def test_patterns_are_those_of_aws(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


def rule(priority: str, patterns: list[str], target: str) -> dict[str, Any]:
    return {
        "Priority": priority,
        "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": patterns}}]
        if patterns
        else [],
        "Actions": [{"Type": "forward", "TargetGroupArn": target}],
    }


def test_the_lowest_number_is_asked_first_and_the_default_last() -> None:
    rules = [
        rule("default", [], "nobody"),
        rule("100", ["/a/*"], "wide"),
        rule("20", ["/a/b", "/a/b/*"], "narrow"),
    ]
    assert answer(rules, "/a/b/c").what == "narrow"
    assert answer(rules, "/a/bc").what == "wide"
    assert answer(rules, "/b?/a/b") == Answer("forward", "nobody")
