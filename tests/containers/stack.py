"""The stack of docker-compose.yml, for the drills."""

import json
import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
URL = os.environ.get("ANTIPHON_URL", "http://localhost:8080")
SCHEMAS = ("auth", "catalog", "playlist", "media")
# A drill registers everybody from one address, as nobody does, and takes longer than tokens last.
_SETTINGS = {
    "AUTH_ACCESS_TOKEN_SECONDS": "1500",
    "AUTH_REGISTER_RATE": "99999/minute",
    "AUTH_LOGIN_RATE": "99999/minute",
    "AUTH_LOGIN_ADDRESS_RATE": "99999/minute",
}
# The password is read in the container and is on no command line.
_MYSQL = 'MYSQL_PWD=$(cat /run/secrets/MYSQL_ROOT_PASSWORD) exec mysql -uroot -N "$@"'


class Stack:
    """One project of docker compose; its commands raise CalledProcessError when they fail."""

    def __init__(self, *files: str) -> None:
        self.environment = {**os.environ, **_SETTINGS, "COMPOSE_FILE": ":".join(files)}

    @property
    def address(self) -> str:
        """`host:port` of the gateway."""
        return urlsplit(URL).netloc

    def run(self, *command: str) -> str:
        """Run a command on the stack and return what it prints."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout

    def compose(self, *arguments: str) -> str:
        """Run `docker compose` and return what it prints."""
        return self.run("docker", "compose", "--progress", "quiet", *arguments)

    def volumes(self) -> list[str]:
        """Return the names of the volumes there are, which `make down` leaves."""
        project = json.loads(self.compose("config", "--format", "json"))["name"]
        label = f"label=com.docker.compose.project={project}"
        return self.run("docker", "volume", "ls", "--quiet", "--filter", label).splitlines()

    def up(self) -> None:
        """Build and start everything, and wait until it is healthy."""
        self.compose("up", "--build", "--wait", "--remove-orphans")

    def replace(self, service: str) -> None:
        """Stop the containers of one compose service, start new ones, wait until healthy."""
        self.compose("up", "--wait", "--no-deps", "--no-build", "--force-recreate", service)

    def sql(self, schema: str, statement: str) -> list[str]:
        """Return the lines that MySQL answers to a statement."""
        arguments = ("exec", "-T", "mysql", "sh", "-c", _MYSQL, "mysql", schema, "-e", statement)
        return self.compose(*arguments).splitlines()

    def rows(self) -> dict[str, int]:
        """Return the number of rows of each table, as `schema.table`."""
        listed = " OR ".join(f"table_schema = '{schema}'" for schema in SCHEMAS)
        find = f"SELECT CONCAT(table_schema, '.', table_name) FROM tables WHERE {listed}"
        tables = self.sql("information_schema", find)
        count = " UNION ALL ".join(f"SELECT '{name}', COUNT(*) FROM {name}" for name in tables)
        counted = (line.split("\t") for line in self.sql("mysql", count))
        return {name: int(number) for name, number in counted}

    def checksums(self) -> dict[str, str]:
        """Return a checksum of what is in each table, as `schema.table`."""
        summed = self.sql("mysql", f"CHECKSUM TABLE {', '.join(self.rows())}")
        return dict(line.split("\t", 1) for line in summed)
