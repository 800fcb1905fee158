"""The load balancer against the local gateway's own table of paths."""

from typing import Any

import pytest
import yaml

from harness.deployment import SERVICES, Deployment
from harness.listener import Answer, Rule, answer
from harness.terraform import PROJECT

TABLE = yaml.safe_load((PROJECT / "gateway/tests/paths.yaml").read_text())["paths"]
NOBODYS = Answer("fixed-response", "404")


@pytest.fixture(scope="module")
def balancer(deployment: Deployment) -> Any:
    return deployment.aws.client("elbv2")


@pytest.fixture(scope="module")
def listeners(balancer: Any) -> dict[int, Any]:
    (found,) = balancer.describe_load_balancers()["LoadBalancers"]
    listeners = balancer.describe_listeners(LoadBalancerArn=found["LoadBalancerArn"])["Listeners"]
    return {listener["Port"]: listener for listener in listeners}


@pytest.fixture(scope="module")
def rules(balancer: Any, listeners: dict[int, Any]) -> list[Rule]:
    found: list[Rule] = balancer.describe_rules(ListenerArn=listeners[443]["ListenerArn"])["Rules"]
    return found


@pytest.fixture(scope="module")
def groups(balancer: Any) -> dict[str, Any]:
    """Target groups by service."""
    found = balancer.describe_target_groups()["TargetGroups"]
    return {group["TargetGroupName"].rsplit("-", 1)[1]: group for group in found}


@pytest.mark.parametrize("row", TABLE, ids=[row["path"] for row in TABLE])
def test_a_path_goes_where_the_local_gateway_sends_it(
    rules: list[Rule], groups: dict[str, Any], row: dict[str, str | None]
) -> None:
    path, service = row["path"], row["service"]
    assert path is not None
    expected = (
        Answer("forward", groups[service]["TargetGroupArn"]) if service is not None else NOBODYS
    )
    assert answer(rules, path) == expected


def test_the_table_has_paths_of_each_service_and_of_nobody() -> None:
    assert len(TABLE) >= 32
    assert {row["service"] for row in TABLE} == {*SERVICES, None}


def test_the_root_leads_to_the_docs(rules: list[Rule]) -> None:
    assert answer(rules, "/") == Answer("redirect", "/docs")
    (action,) = (
        action for rule in rules for action in rule["Actions"] if action["Type"] == "redirect"
    )
    assert action["RedirectConfig"]["StatusCode"] == "HTTP_302"


def test_what_is_nobodys_is_a_problem_of_rfc_9457(rules: list[Rule]) -> None:
    (default,) = [rule for rule in rules if rule["Priority"] == "default"]
    response = default["Actions"][0]["FixedResponseConfig"]
    problem = yaml.safe_load(response["MessageBody"])
    assert (problem["type"], problem["title"], problem["status"]) == (
        "about:blank",
        "Not Found",
        404,
    )
    assert "/docs" in problem["detail"]
    # The only one of AWS' content types that is JSON.
    assert response["ContentType"] == "application/json"


def test_there_is_http_only_to_redirect(listeners: dict[int, Any]) -> None:
    assert set(listeners) == {80, 443}
    (action,) = listeners[80]["DefaultActions"]
    redirect = action["RedirectConfig"]
    assert (redirect["Protocol"], redirect["Port"], redirect["StatusCode"]) == (
        "HTTPS",
        "443",
        "HTTP_301",
    )
    assert (redirect["Host"], redirect["Path"], redirect["Query"]) == (
        "#{host}",
        "/#{path}",
        "#{query}",
    )


def test_https_has_the_certificate_of_the_domain(
    deployment: Deployment, listeners: dict[int, Any]
) -> None:
    assert listeners[443]["Protocol"] == "HTTPS"
    assert "TLS13" in listeners[443]["SslPolicy"]
    (certificate,) = listeners[443]["Certificates"]
    described = deployment.aws.client("acm").describe_certificate(
        CertificateArn=certificate["CertificateArn"]
    )["Certificate"]
    assert deployment.outputs["url"] == f"https://{described['DomainName']}"
    assert described["Status"] == "ISSUED"


def test_each_service_is_asked_how_it_is(groups: dict[str, Any]) -> None:
    assert set(groups) == set(SERVICES)
    for group in groups.values():
        assert group["HealthCheckPath"] == "/healthz"
        assert group["TargetType"] == "ip"
        assert group["Matcher"]["HttpCode"] == "200"
