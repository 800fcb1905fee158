"""What an Application Load Balancer does with a path, by the rules of a listener."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Rule = Mapping[str, Any]
"""As elbv2's DescribeRules gives it."""


@dataclass(frozen=True)
class Answer:
    """`kind` is forward, redirect or fixed-response; `what` the target group, path or status."""

    kind: str
    what: str


def answer(rules: Iterable[Rule], target: str) -> Answer:
    """Return what the listener does with a request target, such as `/docs?a`.

    Rules are asked by priority, the default one last; a rule's conditions must all hold, and of a
    condition's values one (AWS: "Listener rules for your Application Load Balancer").
    """
    path = target.split("?", 1)[0]
    for rule in sorted(rules, key=_priority):
        if all(_holds(condition, path) for condition in rule["Conditions"]):
            return _answer(rule["Actions"])
    raise ValueError("the listener has no default rule")


def _priority(rule: Rule) -> float:
    return float("inf") if rule["Priority"] == "default" else int(rule["Priority"])


def _holds(condition: Mapping[str, Any], path: str) -> bool:
    if condition["Field"] != "path-pattern":
        raise ValueError(f"no rule here was to look at {condition['Field']}")
    values = condition.get("PathPatternConfig", condition)["Values"]
    return any(matches(pattern, path) for pattern in values)


def matches(pattern: str, path: str) -> bool:
    """Whether a path pattern fits: case counts, * is any characters and ? is exactly one."""
    wild = {"*": ".*", "?": "."}
    expression = "".join(wild.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(expression, path, re.DOTALL) is not None


def _answer(actions: list[Mapping[str, Any]]) -> Answer:
    action = max(actions, key=lambda one: int(one.get("Order", 1)))
    if action["Type"] == "forward":
        return Answer("forward", action["TargetGroupArn"])
    if action["Type"] == "redirect":
        return Answer("redirect", action["RedirectConfig"]["Path"])
    return Answer(action["Type"], action["FixedResponseConfig"]["StatusCode"])
