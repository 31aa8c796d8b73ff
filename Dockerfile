# syntax=docker/dockerfile:1
# The base image by its full version and, where `make image-digest` could ask for it, by its digest.
ARG BASE_DIGEST=
FROM python:3.13.9-slim-trixie${BASE_DIGEST:+@$BASE_DIGEST} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/reglament
ENV PATH=/opt/reglament/bin:$PATH
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN pip install --require-hashes -r requirements.lock
# What builds the wheel stays out of the image that runs.
RUN python -m venv /opt/build && /opt/build/bin/pip install --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY scoring scoring
COPY crm_clients crm_clients
COPY storage storage
COPY reports reports
COPY bot bot
COPY migrations migrations
COPY reglament reglament
RUN /opt/build/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheel . \
    && pip install --no-deps --no-index /wheel/reglament-*.whl && python -m compileall -q /opt/reglament/lib

FROM python:3.13.9-slim-trixie${BASE_DIGEST:+@$BASE_DIGEST}
# pg_dump and pg_restore, in the major version of the server in compose.yaml, for `reglament backup` and `restore`.
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client-17 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --create-home --home-dir /data reglament
COPY --from=build /opt/reglament /opt/reglament
ENV PATH=/opt/reglament/bin:$PATH PYTHONUNBUFFERED=1 \
    REGLAMENT_CONFIG=/config/config.toml REGLAMENT_DATABASE__URL=sqlite:////data/reglament.db
RUN mkdir /config && chown reglament: /data
USER reglament
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --start-interval=2s CMD ["reglament", "health"]
CMD ["reglament", "run"]
