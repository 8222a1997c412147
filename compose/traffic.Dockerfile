# The demonstration's traffic generator (compose/traffic) as an image. It is
# no part of the product's image, which has no Python and no psql.

ARG BASE=debian:bookworm-slim

FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends \
        postgresql-client \
        python3 \
    && rm -rf /var/lib/apt/lists/*
COPY compose/traffic /opt/data-sync/traffic
COPY compose/stack /opt/data-sync/stack
USER 10001:10001
ENTRYPOINT ["/opt/data-sync/traffic"]
