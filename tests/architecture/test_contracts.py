"""The files in `contracts/` are what the code says."""

import json
import subprocess
import sys
from pathlib import Path

import openapi_spec_validator


def test_contracts_are_built_from_this_code(project_root: Path) -> None:
    check = subprocess.run(
        [sys.executable, project_root / "contracts" / "build.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stdout + check.stderr


def test_the_openapi_document_is_valid(contracts_dir: Path) -> None:
    openapi_spec_validator.validate(json.loads((contracts_dir / "openapi.json").read_text()))
