"""Which processes run, with which environment, in which order."""

from dataclasses import replace
from pathlib import Path

import pytest

from antiphon.embedded.folder import CannotStartError, DataFolder
from antiphon.embedded.redis_server import RedisUrls
from antiphon.embedded.services import (
    SERVICES,
    Installation,
    check_settings,
    redis_process,
    service_environment,
    service_processes,
)
from antiphon.supervisor.plan import Plan, Process


@pytest.fixture
def installation() -> Installation:
    return Installation(
        folder=DataFolder(Path("/data")),
        run_dir="/run/a",
        contracts=Path("/checkout/contracts"),
        port=8123,
        redis=RedisUrls("unix:///run/a/redis.sock?db=0", "unix:///run/a/redis.sock?db=1"),
        secrets={"AUTH_KEY_PASSPHRASE": "of auth", "MEDIA_URL_SECRET": "of media"},
        environ={"PATH": "/bin", "HOME": "/home/me", "EDITOR": "vi"},
    )


@pytest.fixture
def processes(installation: Installation) -> dict[str, Process]:
    made = [*service_processes(installation), redis_process(("valkey-server",), installation)]
    return {process.name: process for process in made}


def test_nine_processes_of_services_and_one_step(processes: dict[str, Process]) -> None:
    expected = {f"{service}.{kind}" for service in SERVICES for kind in ("web", "worker")}

    assert set(processes) == expected | {"media.jobs", "migrations", "redis"}
    assert [name for name, process in processes.items() if process.once] == ["migrations"]


def test_every_process_tells_when_it_is_ready(processes: dict[str, Process]) -> None:
    silent = [
        name
        for name, process in processes.items()
        if not (process.probe or process.ready_line or process.once)
    ]

    assert silent == []


def test_redis_and_migrations_come_before_services(processes: dict[str, Process]) -> None:
    first = {name for name, process in processes.items() if process.start_stage == 0}

    assert first == {"redis", "migrations"}


def test_webs_stop_first_and_redis_last(processes: dict[str, Process]) -> None:
    webs = {processes[f"{service}.web"].stop_stage for service in SERVICES}
    workers = {processes[f"{service}.worker"].stop_stage for service in SERVICES}

    assert max(webs) < min(workers)
    assert processes["media.jobs"].stop_stage >= min(workers)
    assert processes["redis"].stop_stage > max(workers)


def test_environment_of_a_service(installation: Installation) -> None:
    assert service_environment("auth", installation) == {
        "PATH": "/bin",
        "HOME": "/home/me",
        "PYTHONUNBUFFERED": "1",
        "PYTHONOPTIMIZE": "2",
        "TMPDIR": "/run/a",
        "BROKER_URL": "unix:///run/a/redis.sock?db=0",
        "CACHE_URL": "unix:///run/a/redis.sock?db=1",
        "JWKS_URL": "http://127.0.0.1:8123/.well-known/jwks.json",
        "TOKEN_ISSUER": "http://localhost:8123",
        "CONTRACTS_DIR": "/checkout/contracts",
        "LOG_FORMAT": "json",
        "RESEND_LEASE_SECONDS": "15",
        "AUTH_DATABASE_URL": "sqlite:////data/auth.db",
        "AUTH_KEY_PASSPHRASE": "of auth",
    }


def test_services_do_not_see_each_others_secrets(installation: Installation) -> None:
    for service in SERVICES:
        others = [f"{other.upper()}_" for other in SERVICES if other != service]
        environment = service_environment(service, installation)

        assert not [name for name in environment if name.startswith(tuple(others))]


def test_settings_of_the_user_reach_their_service_only(installation: Installation) -> None:
    given = {"CATALOG_PUBLIC_READ": "true", "CORS_ORIGINS": "http://localhost:3000"}
    given |= {"LOG_LEVEL": "DEBUG", "RESEND_LEASE_SECONDS": "90", "METRICS_BIND": "127.0.0.1:1"}
    installation = replace(installation, environ=given)

    assert service_environment("catalog", installation)["CATALOG_PUBLIC_READ"] == "true"
    assert "CATALOG_PUBLIC_READ" not in service_environment("auth", installation)
    for service in SERVICES:
        environment = service_environment(service, installation)
        assert environment["CORS_ORIGINS"] == "http://localhost:3000"
        assert (environment["LOG_LEVEL"], environment["RESEND_LEASE_SECONDS"]) == ("DEBUG", "90")
        assert "METRICS_BIND" not in environment


def test_says_which_settings_of_the_user_are_not_taken() -> None:
    assert check_settings({"LOG_LEVEL": "debug", "METRICS_BIND": ""}) == []
    (remark,) = check_settings({"METRICS_BIND": "127.0.0.1:9100"})
    assert remark.startswith("METRICS_BIND is not used here: all processes would share one address")


def test_a_level_that_hides_when_a_process_is_ready_is_refused() -> None:
    with pytest.raises(CannotStartError, match="LOG_LEVEL is 'WARNING'; here it may be DEBUG"):
        check_settings({"LOG_LEVEL": "WARNING"})


def test_only_media_is_told_of_cloudinary(installation: Installation) -> None:
    given = {"STORAGE": "cloudinary", "CLOUDINARY_URL": "cloudinary://key:secret@cloud"}
    installation = replace(installation, environ=given)

    for service in SERVICES:
        told = given.keys() & service_environment(service, installation).keys()
        assert told == (given.keys() if service == "media" else set())


def test_given_database_wins_over_the_file(installation: Installation) -> None:
    url = "mysql+pymysql://auth@db/auth"
    installation = replace(installation, environ={"AUTH_DATABASE_URL": url})
    (migrations,) = (p for p in service_processes(installation) if p.name == "migrations")

    assert service_environment("auth", installation)["AUTH_DATABASE_URL"] == url
    assert migrations.env["AUTH_DATABASE_URL"] == url


def test_media_stores_where_the_gateway_reads(installation: Installation) -> None:
    environment = service_environment("media", installation)

    assert environment["MEDIA_STORAGE_DIR"] == "/data/media"
    assert environment["MEDIA_URL_SECRET"] == "of media"


def test_web_has_one_worker_of_eight_threads_on_a_socket(processes: dict[str, Process]) -> None:
    web = processes["catalog.web"]

    assert web.env["WEB_BIND"] == "unix:/run/a/catalog.sock"
    assert (web.env["WEB_WORKERS"], web.env["WEB_THREADS"]) == ("1", "8")
    assert web.probe is not None
    assert web.probe.address == web.env["WEB_BIND"]
    assert web.probe.send.startswith("GET /readyz ")


def test_plan_survives_its_journey_as_json(processes: dict[str, Process]) -> None:
    plan = Plan(
        tuple(processes.values()), processes["migrations"], "/data", "/run/a", "http://x", 1.5
    )

    assert Plan.from_json(plan.to_json()) == plan
