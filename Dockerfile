# One image with all four programs.
#
#   docker build -t knowton/data-sync:latest .
#   docker run --env-file my.env -p 3000:3000 knowton/data-sync:latest
#   docker run --env-file my.env knowton/data-sync:latest sink-es
#
# .env.example lists the variables. A file of settings goes to
# /etc/data-sync/data-sync.yaml: -v ./my.yaml:/etc/data-sync/data-sync.yaml:ro
#
# Without a word after the image all four roles run in one container; with
# producer, sink-es, sink-clickhouse or monitor it is that role alone.
# BASE may name any image of Debian 12, such as one with your own CA.

ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
# The distribution's release is the pin; its security updates are wanted.
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends \
        build-essential \
        cmake \
        libcjson-dev \
        libcurl4-openssl-dev \
        libhiredis-dev \
        libmicrohttpd-dev \
        libpq-dev \
        librdkafka-dev \
        libssl-dev \
        libxxhash-dev \
        libyaml-dev \
        ninja-build \
        pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json ./
COPY common common
COPY producer producer
COPY sink-es sink-es
COPY sink-clickhouse sink-clickhouse
COPY monitor monitor
ARG REVISION=unknown
RUN cmake --preset release -DCDC_REVISION="${REVISION}" \
    && cmake --build --preset release \
    && DESTDIR=/out cmake --install build/release --prefix /usr --strip

FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends \
        ca-certificates \
        libcjson1 \
        libcurl4 \
        libhiredis0.14 \
        libmicrohttpd12 \
        libpq5 \
        librdkafka1 \
        libssl3 \
        libxxhash0 \
        libyaml-0-2 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/usr/bin/ /usr/bin/
COPY packaging/entrypoint /usr/bin/entrypoint
# A program that misses a library fails here, not when it is deployed.
RUN cdc-producer --version \
    && cdc-sink-es --version \
    && cdc-sink-clickhouse --version \
    && cdc-monitor --version

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="data-sync" \
      org.opencontainers.image.description="PostgreSQL changes to Kafka, applied to Elasticsearch and ClickHouse" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

USER 10001:10001
# 3000: monitor. 9850: any other role alone. 9851-9853: the three beside it.
EXPOSE 3000 9850 9851 9852 9853
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=10s --start-period=300s --retries=3 \
    CMD ["/usr/bin/entrypoint", "healthcheck"]
ENTRYPOINT ["/usr/bin/entrypoint"]
