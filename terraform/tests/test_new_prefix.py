"""A line in gateway/routes.yaml is all that a new prefix takes."""

import os
import re
import shutil
import sys
from pathlib import Path

from harness.deployment import Deployment
from harness.processes import Processes
from harness.terraform import PROJECT, changes

NEW = "  - {prefix: /api/v1/lyrics, service: catalog, priority: 235}\n"
AFTER = "  - {prefix: /api/v1/genres, service: catalog, priority: 230}\n"


def with_new_prefix(routes: Path) -> None:
    text = routes.read_text()
    assert text.count(AFTER) == 1
    routes.write_text(text.replace(AFTER, AFTER + NEW))


def caddyfile(processes: Processes, routes: Path) -> list[str]:
    # The gateway is in the project's other environment; it needs pydantic and PyYAML only.
    python = PROJECT / ".venv/bin/python"
    upstreams = [
        f"--upstream={service}=127.0.0.1:{port}"
        for port, service in enumerate(("auth", "catalog", "playlist", "media"), 8001)
    ]
    output = processes.run(
        [
            str(python) if python.exists() else sys.executable,
            *("-m", "gateway", "--media-root=/srv/media", f"--routes={routes}", *upstreams),
        ],
        PROJECT,
        {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT / "gateway")},
    )
    return output.checked().stdout.splitlines()


def test_the_local_gateway_gets_one_line_more(processes: Processes, tmp_path: Path) -> None:
    routes = tmp_path / "routes.yaml"
    shutil.copy(PROJECT / "gateway/routes.yaml", routes)
    before = caddyfile(processes, routes)
    with_new_prefix(routes)
    after = caddyfile(processes, routes)
    added = [line for line in after if line not in before]
    assert len(added) == 1
    assert re.fullmatch(r"\t\t~\^/api/v1/lyrics\S* catalog", added[0])
    assert [line for line in after if line not in added] == before


def test_the_load_balancer_gets_one_rule_more(deployment: Deployment, tmp_path: Path) -> None:
    copy = deployment.copy(tmp_path / "copy")
    with_new_prefix(copy.folder.parent / "gateway/routes.yaml")
    # What is there was compared by the second plan already.
    plan = copy.plan("tfplan", "-refresh=false", *deployment.arguments)
    assert [(change["address"], change["change"]["actions"]) for change in changes(plan)] == [
        ('module.alb.aws_lb_listener_rule.route["/api/v1/lyrics"]', ["create"])
    ]
    rule = changes(plan)[0]["change"]["after"]
    assert rule["priority"] == 235
    assert sorted(rule["condition"][0]["path_pattern"][0]["values"]) == [
        "/api/v1/lyrics",
        "/api/v1/lyrics/*",
    ]
    outputs = plan.get("output_changes", {}).values()
    assert all(change["actions"] == ["no-op"] for change in outputs)
