"""Who may read which secret, and where none is to be found."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.aws import every
from harness.deployment import SERVICES, Deployment
from harness.inventory import Process


@pytest.fixture(scope="module")
def manager(deployment: Deployment) -> Any:
    return deployment.aws.client("secretsmanager")


@pytest.fixture(scope="module")
def names(manager: Any) -> dict[str, str]:
    """Names of secrets by ARN."""
    return {one["ARN"]: one["Name"] for one in every(manager, "list_secrets", "SecretList")}


@pytest.fixture(scope="module")
def values(manager: Any, names: dict[str, str]) -> dict[str, str]:
    """Values by name, of those that have one."""
    return {
        name: manager.get_secret_value(SecretId=arn)["SecretString"]
        for arn, name in names.items()
        if not name.endswith("cloudinary-url")
    }


def expected_secrets(process: str) -> set[str]:
    """Names of the secrets that a process may read, and no others."""
    service, _, kind = process.partition("-")
    stores = {"antiphon-dev-broker/url", "antiphon-dev-cache/url"}
    runtime = {name: f"antiphon-dev/{name}/database" for name in SERVICES}
    migration = {name: f"antiphon-dev/{name}/migration" for name in SERVICES}
    own = {
        "auth": {"antiphon-dev/auth/key-passphrase"},
        "media": {"antiphon-dev/media/url-secret", "antiphon-dev/media/cloudinary-url"},
    }
    if process == "bootstrap":
        return {*runtime.values(), *migration.values(), "MASTER"}
    if process == "cli":
        return stores | set(runtime.values())
    if process == "admin":
        return expected_secrets("auth-web")
    if kind == "migrate":
        return {migration[service]}
    return stores | {runtime[service]} | own.get(service, set())


def test_a_process_is_given_its_own_secrets_only(
    running: dict[str, Process], names: dict[str, str]
) -> None:
    given = {
        name: {
            "MASTER" if names[arn].startswith("rds!cluster") else names[arn]
            for arn in process.secrets.values()
        }
        for name, process in running.items()
    }
    assert given == {name: expected_secrets(name) for name in running}


def statements(deployment: Deployment, role_arn: str) -> list[dict[str, Any]]:
    iam, role = deployment.aws.client("iam"), role_arn.rsplit("/", 1)[1]
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    found = []
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        found += document["Statement"]
    return found


def listed(value: str | list[str]) -> set[str]:
    return {value} if isinstance(value, str) else set(value)


def test_a_start_may_read_exactly_what_its_task_is_given(
    deployment: Deployment, running: dict[str, Process]
) -> None:
    for name, process in running.items():
        readable: set[str] = set()
        for statement in statements(deployment, process.definition["executionRoleArn"]):
            assert statement["Effect"] == "Allow"
            actions = listed(statement["Action"])
            assert not any("*" in action for action in actions), name
            if "secretsmanager:GetSecretValue" in actions:
                readable |= listed(statement["Resource"])
            elif actions != {"ecr:GetAuthorizationToken"}:
                # That one has no resources.
                assert "*" not in listed(statement["Resource"]), (name, actions)
        assert readable == set(process.secrets.values()), name


def test_a_start_may_pull_its_own_image_only(
    deployment: Deployment, running: dict[str, Process]
) -> None:
    for process in running.values():
        (repository,) = {
            resource
            for statement in statements(deployment, process.definition["executionRoleArn"])
            if "ecr:BatchGetImage" in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }
        image = process.container["image"].split("/", 1)[1].rsplit(":", 1)[0]
        assert repository.endswith(f":repository/{image}")


def test_our_code_may_do_nothing_on_aws(
    deployment: Deployment, running: dict[str, Process]
) -> None:
    for process in running.values():
        assert process.definition["taskRoleArn"] != process.definition["executionRoleArn"]
        assert statements(deployment, process.definition["taskRoleArn"]) == []


def test_roles_are_for_this_accounts_services_only(deployment: Deployment) -> None:
    roles = every(deployment.aws.client("iam"), "list_roles", "Roles")
    ours = [role for role in roles if role["RoleName"].startswith("antiphon-dev-")]
    assert len(ours) > 30
    for role in ours:
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert set(statement["Principal"]) == {"Service"}
        account = statement["Condition"]["StringEquals"]["aws:SourceAccount"]
        assert account == role["Arn"].split(":")[4]


def test_databases_are_opened_with_tls_by_users_of_their_own(
    deployment: Deployment, values: dict[str, str]
) -> None:
    (cluster,) = deployment.aws.client("rds").describe_db_clusters()["DBClusters"]
    passwords = set()
    for service in SERVICES:
        for kind, user in (("database", service), ("migration", f"{service}_migration")):
            url = urlsplit(values[f"antiphon-dev/{service}/{kind}"])
            assert (url.scheme, url.username, url.hostname, url.port, url.path) == (
                "mysql+pymysql",
                user,
                cluster["Endpoint"],
                3306,
                f"/{service}",
            )
            assert parse_qs(url.query)["ssl_ca"] == ["/etc/ssl/antiphon/rds.pem"]
            assert url.password is not None
            assert url.password.isalnum()
            passwords.add(url.password)
    assert len(passwords) == 2 * len(SERVICES)
    assert min(map(len, passwords)) >= 32


def test_broker_and_cache_are_two_and_opened_with_tls_and_token(values: dict[str, str]) -> None:
    urls = {name: urlsplit(values[f"antiphon-dev-{name}/url"]) for name in ("broker", "cache")}
    for name, url in urls.items():
        assert (url.scheme, url.port, url.path) == ("rediss", 6379, "/0")
        assert url.password == values[f"antiphon-dev-{name}/token"]
        assert len(url.password) >= 32
    assert urls["broker"].hostname != urls["cache"].hostname
    assert urls["broker"].password != urls["cache"].password


def hidden(values: dict[str, str]) -> dict[str, str]:
    """What only its secret may know, by name."""
    passwords = {
        name: urlsplit(value).password or value
        for name, value in values.items()
        if name.endswith(("/database", "/migration", "/key-passphrase", "/url-secret"))
    }
    (master,) = [value for name, value in values.items() if name.startswith("rds!")]
    return {**passwords, "master": json.loads(master)["password"]}


def test_no_password_is_in_state_or_plan(deployment: Deployment, values: dict[str, str]) -> None:
    secrets = hidden(values)
    assert len(secrets) == 2 * len(SERVICES) + 3
    state = deployment.terraform.folder.joinpath("terraform.tfstate").read_text()
    told = state + json.dumps(deployment.plan) + json.dumps(deployment.second_plan)
    # The text is what it is taken for: Redis' tokens are in it, which the provider does not allow
    # otherwise.
    assert values["antiphon-dev-broker/token"] in told
    assert [name for name, value in secrets.items() if value in told] == []


def test_nothing_secret_is_in_an_environment(
    running: dict[str, Process], values: dict[str, str]
) -> None:
    secrets = {*hidden(values).values(), *values.values()}
    for name, process in running.items():
        told = json.dumps([process.environment, process.container.get("command")])
        assert not any(secret in told for secret in secrets), name
        assert not set(process.environment) & set(process.secrets)


def test_secrets_are_encrypted_with_our_key(deployment: Deployment, manager: Any) -> None:
    (alias,) = [
        alias
        for alias in every(deployment.aws.client("kms"), "list_aliases", "Aliases")
        if alias["AliasName"] == "alias/antiphon-dev"
    ]
    for secret in every(manager, "list_secrets", "SecretList"):
        if not secret["Name"].startswith("rds!"):
            assert secret["KmsKeyId"].endswith(alias["TargetKeyId"]), secret["Name"]
