"""How the HCL is written; `terraform test` of each module; checkov."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from harness import hcl
from harness.processes import Processes
from harness.terraform import TERRAFORM, Terraform, copy_sources
from harness.tools import Tools

FOLDERS = [TERRAFORM, *sorted((TERRAFORM / "modules").iterdir())]
MODULES = [folder.name for folder in FOLDERS[1:]]
TESTED = [folder.name for folder in FOLDERS[1:] if list(folder.glob("tests/*.tftest.hcl"))]
# `ephemeral` cannot be mocked by terraform 1.11; the deployment tests them.
UNTESTED = {"database", "cache"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_sources(tmp_path_factory.mktemp("sources"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_code_keeps_the_rules(folder: Path) -> None:
    assert hcl.faults(folder) == []


def test_faults_are_found(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(
        'variable "untyped" {\n  description = "A."\n}\n'
        'variable "silent" {\n  type = string\n\n'
        '  validation {\n    condition = var.silent != ""\n    error_message = "A."\n  }\n}\n'
        'variable "loose" {\n  type = map(any)\n  description = "A."\n}\n'
        "locals {\n  # local.idle\n  idle = 1\n  busy = var.untyped\n}\n"
        'data "aws_region" "current" {}\n'
        'output "silent" {\n  value = local.busy\n}\n' + "#\n" * 150
    )
    assert sorted(hcl.faults(tmp_path)) == [
        "data aws_region.current is not used",
        "local idle is not used",
        "main.tf has 174 lines, over 150: split it by topic",
        "output silent is not described",
        "variable loose has no type, or any",
        "variable loose is not used",
        "variable silent is not described",
        "variable silent is not used",
        "variable untyped has no type, or any",
    ]


def test_code_is_formatted(tools: Tools, processes: Processes) -> None:
    output = Terraform(tools, TERRAFORM, processes).run("fmt", "-check", "-recursive", "-diff")
    assert output.code == 0, output.stdout


def test_every_module_is_tested() -> None:
    assert set(MODULES) - set(TESTED) <= UNTESTED


def test_the_root_is_valid(tools: Tools, processes: Processes, sources: Path) -> None:
    terraform = Terraform(tools, sources, processes)
    terraform.init("-backend=false")
    output = terraform.run("validate", "-json")
    result = json.loads(output.stdout)
    assert (result["valid"], result["diagnostics"]) == (True, [])


@pytest.mark.parametrize("module", TESTED)
def test_the_tests_of_a_module_pass(
    tools: Tools, processes: Processes, sources: Path, module: str
) -> None:
    terraform = Terraform(tools, sources / "modules" / module, processes)
    terraform.init("-backend=false")
    output = terraform.run("test", "-no-color")
    assert output.code == 0, f"{output.stdout}\n{output.stderr}"
    passed = re.search(r"Success! (\d+) passed, 0 failed\.", output.stdout)
    assert passed, output.stdout
    assert int(passed[1]) > 0


def test_checkov_finds_nothing(processes: Processes, sources: Path, tmp_path: Path) -> None:
    output = processes.run(
        [
            str(Path(sys.executable).with_name("checkov")),
            *("--directory", str(sources), "--framework", "terraform", "--output", "json"),
            *("--quiet", "--compact", "--download-external-modules", "false"),
        ],
        tmp_path,
        {"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )
    report = json.loads(output.stdout)
    summary = report["summary"]
    failed = [f"{one['check_id']} {one['resource']}" for one in report["results"]["failed_checks"]]
    assert failed == []
    assert (summary["failed"], summary["parsing_errors"]) == (0, 0)
    assert summary["passed"] > 100


def test_every_skip_of_checkov_has_its_reason() -> None:
    skips = [
        line.strip()
        for file in TERRAFORM.rglob("*.tf")
        for line in file.read_text().splitlines()
        if "checkov:skip" in line
    ]
    # Four words are no reason.
    assert [
        skip for skip in skips if not re.search(r"skip=CKV2?_AWS_\d+: ?(\S+\s+){4}", skip)
    ] == []
