"""An index or a table that vanished behind a sink's back: one made anew would
lack every row that the group has passed, so it is waited for, loudly."""

import zlib

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from lib.pipeline import Pipeline
from lib.wait import holds_for, wait_until

ROWS = 50


@pytest.fixture
def pipeline(stack, tmp_path, request):
    stack.revive()
    name = "lost" + str(zlib.crc32(request.node.name.encode()))
    with Pipeline(stack, name, tmp_path) as made:
        made.conn.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, v text)")
        made.start("producer")
        yield made


def insert(pipeline, first):
    pipeline.conn.execute(
        f"INSERT INTO {pipeline.name} SELECT n, 'row ' || n "
        f"FROM generate_series({first}, {first + ROWS - 1}) n")


def drop_target(pipeline, sink):
    if sink == "es":
        pipeline.es.delete_indices_of(pipeline.name)
    else:
        pipeline.ch.query(f'DROP TABLE "{pipeline.name}" SYNC')


def exists(pipeline, sink):
    target = pipeline.es if sink == "es" else pipeline.ch
    return target.exists(pipeline.name)


def reset_group(pipeline, sink):
    """kafka-consumer-groups.sh --reset-offsets --to-earliest"""
    kafka = pipeline.kafka
    topic = f"{pipeline.name}.public.{pipeline.name}"
    admin = AdminClient({"bootstrap.servers": kafka.brokers})
    places = [TopicPartition(topic, p.partition, 0)
              for p in kafka.partitions(topic)]
    (future,) = admin.alter_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(kafka.group(sink), places)]).values()
    future.result()


@pytest.mark.parametrize("sink", ["es", "clickhouse"])
def test_lost_target_is_not_made_anew(pipeline, sink):
    role = f"sink-{sink}"
    everywhere = pipeline.everywhere
    insert(pipeline, 1)
    worker = pipeline.start(role)
    table = everywhere.table(pipeline.name)
    everywhere.assert_equal(table, targets=[sink])
    worker.stop()

    drop_target(pipeline, sink)
    insert(pipeline, 1001)
    everywhere.captured()
    worker = pipeline.start(role, ready=False)
    worker.wait_log("--to-earliest")
    holds_for(lambda: worker.running() and not worker.ready()
              and not exists(pipeline, sink), 3, "alive, waiting, not ready")
    assert pipeline.kafka.lag(sink) > 0, "offsets stand still"
    worker.stop()

    reset_group(pipeline, sink)
    pipeline.start(role)
    wait_until(lambda: pipeline.kafka.lag(sink) == 0, 60, "all read again")
    everywhere.assert_equal(table, targets=[sink])
