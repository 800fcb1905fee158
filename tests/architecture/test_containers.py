"""What Dockerfile and compose files must hold; that they run is for `make up` and the drills."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

SERVICES = ("auth", "catalog", "playlist", "media")
PROCESSES = [f"{service}-{kind}" for service in SERVICES for kind in ("web", "worker")] + [
    "media-jobs"
]
# Made at the first start, and given as files.
SECRETS = re.compile(r"_(DATABASE_URL|KEY_PASSPHRASE|URL_SECRET)$")
# The image's own: a folder and a program in it.
IN_THE_IMAGE = {"MEDIA_STORAGE_DIR", "MEDIA_FFMPEG"}
Services = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def dockerfile(project_root: Path) -> str:
    return (project_root / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def compose(project_root: Path) -> Services:
    text = (project_root / "docker-compose.yml").read_text()
    services: Services = yaml.safe_load(text)["services"]
    return services


@pytest.fixture(scope="module")
def secret_maker(project_root: Path) -> str:
    return (project_root / "deploy" / "containers" / "make-secrets").read_text()


def _stages(dockerfile: str) -> Iterator[tuple[str, str]]:
    for stage in re.split(r"^(?=FROM )", dockerfile, flags=re.MULTILINE)[1:]:
        yield stage.split()[3], stage


def _grace_seconds(service: dict[str, Any]) -> int:
    (seconds,) = re.findall(r"(\d+)s", service["stop_grace_period"])
    return int(seconds)


def test_every_base_image_has_a_version(dockerfile: str) -> None:
    stages = {name for name, _ in _stages(dockerfile)}
    bases = set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) - stages - {"scratch"}
    assert bases
    assert {base for base in bases if not re.fullmatch(r"[a-z/]+:\d[\w.-]*", base)} == set()


def test_packages_are_installed_by_their_hashes(dockerfile: str) -> None:
    install = dict(_stages(dockerfile))["packages"]
    assert "--require-hashes" in install
    assert "--only-binary=:all:" in install


@pytest.mark.parametrize("name", ["runtime", "media-jobs", "gateway"])
def test_no_image_runs_as_root(dockerfile: str, name: str) -> None:
    users = re.findall(r"^USER (\S+)", dict(_stages(dockerfile))[name], re.MULTILINE)
    assert users[-1] == "10001:10001"


@pytest.mark.parametrize("name", ["runtime", "gateway"])
def test_images_know_whether_they_are_healthy(dockerfile: str, name: str) -> None:
    assert "HEALTHCHECK" in dict(_stages(dockerfile))[name]


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_its_own_service_only(dockerfile: str, service: str) -> None:
    stage = dict(_stages(dockerfile))[service]
    assert set(re.findall(r"services/(\w+)", stage)) == {service}


def test_one_service_builds_an_image(compose: Services) -> None:
    """Each would build one of another digest, and Compose replaces who runs the former."""
    built = sorted(service["image"] for service in compose.values() if "build" in service)
    images = {service["image"] for service in compose.values()}
    assert built == sorted(image for image in images if image.startswith("antiphon/"))


@pytest.mark.parametrize("name", [*PROCESSES, "gateway", "broker", "cache"])
def test_a_process_may_do_little(compose: Services, name: str) -> None:
    service = compose[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"]["max-size"]
    assert "privileged" not in service


def test_only_the_gateway_is_reached_from_outside_and_only_from_this_machine(
    compose: Services,
) -> None:
    ports = {name: service["ports"] for name, service in compose.items() if "ports" in service}
    assert set(ports) == {"gateway", "prometheus"}
    assert all(":-127.0.0.1:" in port for bound in ports.values() for port in bound)
    assert compose["gateway"]["networks"] == ["edge"], "the gateway reaches no store"
    for store in ("mysql", "broker", "cache"):
        assert compose[store]["networks"] == ["data"]
    assert compose["media-jobs"]["networks"] == ["data"], "what decodes uploads reaches nothing"


def test_the_gateway_only_reads_the_media(compose: Services) -> None:
    assert compose["gateway"]["volumes"] == ["media:/srv/media:ro"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_when_its_schema_is_migrated(compose: Services, service: str) -> None:
    for kind in ("web", "worker", *(["jobs"] if service == "media" else [])):
        needs = compose[f"{service}-{kind}"]["depends_on"]
        assert needs[f"{service}-migrate"]["condition"] == "service_completed_successfully"
        assert needs["broker"]["condition"] == needs["cache"]["condition"] == "service_healthy"
    migration = compose[f"{service}-migrate"]
    assert migration["command"] == ["python", "-m", "common.db.migrate", service]
    assert migration["depends_on"] == {"bootstrap": {"condition": "service_completed_successfully"}}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_sees_its_own_secrets_only(compose: Services, service: str) -> None:
    def folders(name: str) -> list[str]:
        volumes = compose[name]["volumes"]
        assert all(
            isinstance(volume, dict) or not volume.startswith("secrets") for volume in volumes
        )
        return [volume["volume"]["subpath"] for volume in volumes if isinstance(volume, dict)]

    assert folders(f"{service}-web") == folders(f"{service}-worker") == [service]
    assert folders(f"{service}-migrate") == [f"{service}-migration"]


@pytest.mark.parametrize("name", PROCESSES)
def test_what_is_mounted_has_its_mode_from_the_image(
    compose: Services, dockerfile: str, name: str
) -> None:
    """A mode in the compose file holds until the first restart of the container."""
    options = [mount.partition(":") for mount in compose[name]["tmpfs"]]
    assert [rest for _, _, rest in options if "mode=" in rest] == []
    made = re.findall(r"install --directory --mode=1777 (\S+)", dockerfile)
    assert {path for path, _, _ in options} - {"/tmp", *made} == set()


def test_no_container_leaves_a_volume_behind(compose: Services, dockerfile: str) -> None:
    """Docker makes one for each folder that an image declares and nothing is mounted on."""
    declared = set(re.findall(r"^VOLUME (\S+)", dockerfile, re.MULTILINE))
    assert declared == {"/tmp"}, "Fargate mounts an empty volume there"
    for name, service in compose.items():
        mounted = {mount.partition(":")[0] for mount in service.get("tmpfs", [])}
        assert not service["image"].startswith("antiphon/") or declared <= mounted, name


def test_no_secret_is_in_the_environment(compose: Services, secret_maker: str) -> None:
    for name, service in compose.items():
        given = service.get("environment", {})
        assert [variable for variable in given if SECRETS.search(variable)] == [], name
        assert [value for value in given.values() if "@" in str(value)] == [], name
    assert "/dev/urandom" in secret_maker


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_can_be_told_can_be_told_it_here(
    project_root: Path, compose: Services, secret_maker: str, service: str
) -> None:
    table = (project_root / "services" / service / "README.md").read_text()
    own = set(re.findall(rf"^\| `({service.upper()}_\w+)` \|", table, re.MULTILINE))
    assert own
    given = set().union(
        *(compose[name]["environment"] for name in PROCESSES if name.startswith(service))
    )
    made = {name for name in own if SECRETS.search(name)}
    assert own - made - IN_THE_IMAGE - given == set()
    for name in made:
        assert name.replace(f"{service.upper()}_DATABASE", "${prefix}_DATABASE") in secret_maker


def test_processes_get_the_time_they_need_to_stop(project_root: Path, compose: Services) -> None:
    scaled = yaml.safe_load((project_root / "docker-compose.scale.yml").read_text())["services"]
    gunicorn = (project_root / "libs/common/common/gunicorn.py").read_text()
    (under_way,) = re.findall(r'"WEB_GRACEFUL_SECONDS", "(\d+)"', gunicorn)
    for service in SERVICES:
        drain = scaled[f"{service}-web"]["environment"]["WEB_DRAIN_SECONDS"]
        assert _grace_seconds(compose[f"{service}-web"]) >= drain + int(under_way) + 2
        assert _grace_seconds(compose[f"{service}-worker"]) >= 15 + 5
    assert _grace_seconds(compose["media-jobs"]) >= 10 + 10


def test_the_broker_forgets_nothing_and_the_cache_what_it_must(compose: Services) -> None:
    broker, cache = (" ".join(compose[name]["command"]) for name in ("broker", "cache"))
    assert "--appendonly yes" in broker
    assert "noeviction" in broker
    assert "broker:/data" in compose["broker"]["volumes"]
    assert "--appendonly no" in cache
    assert "allkeys-lru" in cache
    assert "volumes" not in compose["cache"]


def test_the_gateway_knows_every_web_of_the_scaled_stack(project_root: Path) -> None:
    scaled = yaml.safe_load((project_root / "docker-compose.scale.yml").read_text())["services"]
    given = scaled["gateway"]["build"]["args"]["UPSTREAMS"].split()
    webs = [name for name in scaled if "-web" in name]
    assert sorted(given) == sorted(f"{name.split('-')[0]}={name}:8000" for name in webs)
    assert len(webs) == 2 * len(SERVICES)


def test_every_process_of_media_keeps_files_where_the_others_do(
    project_root: Path, compose: Services
) -> None:
    """What extends one of them gets what is in docker-compose.yml, not what is laid over it."""
    for name in PROCESSES:
        told = {"STORAGE", "CLOUDINARY_URL"} & set(compose[name]["environment"])
        assert told == ({"STORAGE", "CLOUDINARY_URL"} if name.startswith("media") else set()), name
    overlay = yaml.safe_load((project_root / "docker-compose.cloudinary.yml").read_text())
    assert [name for name, service in overlay["services"].items() if "environment" in service] == []


def test_what_traces_are_told_goes_through(project_root: Path, compose: Services) -> None:
    operations = (project_root / "docs" / "operations.md").read_text()
    for variable in set(re.findall(r"`(OTEL_[A-Z_]+)[=`]", operations)):
        assert [name for name in PROCESSES if variable not in compose[name]["environment"]] == []


def test_prometheus_scrapes_every_process(project_root: Path, compose: Services) -> None:
    config = yaml.safe_load((project_root / "docs/prometheus/prometheus.yml").read_text())
    targets = {
        target
        for job in config["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    }
    assert targets == {f"{name}:{8000 if name.endswith('web') else 9100}" for name in PROCESSES}
    assert "./docs/prometheus:/etc/prometheus:ro" in compose["prometheus"]["volumes"]
