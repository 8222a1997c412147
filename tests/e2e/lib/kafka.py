"""Kafka: records of a topic, committed offsets against high watermarks."""

import dataclasses
import re
import time

import confluent_kafka
from confluent_kafka import (Consumer, ConsumerGroupTopicPartitions,
                             KafkaError, KafkaException, TopicPartition)
from confluent_kafka.admin import AdminClient, OffsetSpec

TIMEOUT_S = 10   # of one request
ANSWER_S = 60    # until a request must have been answered
NOT_NOW = (KafkaError.NOT_LEADER_FOR_PARTITION,
           KafkaError.LEADER_NOT_AVAILABLE,
           KafkaError.UNKNOWN_TOPIC_OR_PART,
           KafkaError.COORDINATOR_NOT_AVAILABLE,
           KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
           KafkaError.NOT_COORDINATOR,
           KafkaError._TIMED_OUT, KafkaError._TRANSPORT,
           KafkaError._ALL_BROKERS_DOWN)


@dataclasses.dataclass
class Record:
    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes    # None: a tombstone
    headers: dict   # name -> text

    @property
    def version(self):
        return int(self.headers["cdc-version"])

    @property
    def op(self):
        return self.headers["cdc-op"]

    @property
    def place(self):
        return f"{self.topic}[{self.partition}]@{self.offset}"


class Kafka:
    """The pipeline `name` as Kafka sees it."""

    def __init__(self, brokers, name="cdc"):
        self.brokers = brokers
        self.name = name
        self.admin = None

    def _ask(self, question):
        """Calls question(admin) until it is answered: tests restart the
        broker, and a topic that was made just now has no leader yet. Each
        try after a failure gets a client of its own, for one that has seen
        its broker die can wait for an answer that never comes."""
        deadline = time.monotonic() + ANSWER_S
        while True:
            if self.admin is None:
                self.admin = AdminClient({
                    "bootstrap.servers": self.brokers, "log_level": 0,
                    "reconnect.backoff.max.ms": 500})
            try:
                return question(self.admin)
            except KafkaException as error:
                self.admin = None
                if time.monotonic() > deadline or \
                        error.args[0].code() not in NOT_NOW:
                    raise
            time.sleep(0.05)

    def all_topics(self):
        return sorted(self._ask(
            lambda admin: admin.list_topics(timeout=TIMEOUT_S)).topics)

    def topics(self):
        """Names of the table topics: three parts, internal ones have two."""
        pattern = re.compile(rf"{re.escape(self.name)}\.[^.]+\..+")
        return [n for n in self.all_topics() if pattern.fullmatch(n)]

    def partitions(self, *topics):
        """[TopicPartition] of these topics."""
        def ask(admin):
            return admin.list_topics(topics[0] if len(topics) == 1 else None,
                                     timeout=TIMEOUT_S)

        found = self._ask(ask).topics
        for topic in topics:
            if topic not in found:
                raise AssertionError(f"no topic {topic}")
            if found[topic].error is not None:
                raise KafkaException(found[topic].error)
        return [TopicPartition(topic, p) for topic in topics
                for p in found[topic].partitions]

    def ends(self, topics):
        """{(topic, partition): high watermark}"""
        if not topics:
            return {}
        asked = {p: OffsetSpec.latest() for p in self.partitions(*topics)}

        def ask(admin):
            futures = admin.list_offsets(asked, request_timeout=TIMEOUT_S)
            return {(p.topic, p.partition): f.result().offset
                    for p, f in futures.items()}

        return self._ask(ask)

    def end(self, topic):
        """The sum of a topic's high watermarks; 0 while it does not exist."""
        if topic not in self.all_topics():
            return 0
        return sum(self.ends([topic]).values())

    def committed(self, group):
        """{(topic, partition): offset}"""
        def ask(admin):
            (future,) = admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group)],
                request_timeout=TIMEOUT_S).values()
            return future.result().topic_partitions

        try:
            found = self._ask(ask)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return {}
            raise
        return {(p.topic, p.partition): p.offset for p in found}

    def group(self, sink):
        return f"{self.name}-{sink}"

    def lag(self, sink, ends=None):
        """Records between the committed offsets of a sink's group and
        `ends`, by default the topics' ends of now."""
        if ends is None:
            ends = self.ends(self.topics())
        committed = self.committed(self.group(sink))
        return sum(max(0, end - max(0, committed.get(place, 0)))
                   for place, end in ends.items())

    def records(self, topic):
        """All records of a topic up to its present end, in offset order."""
        parts = self.partitions(topic)
        ends = self.ends([topic])
        consumer = Consumer({
            "bootstrap.servers": self.brokers, "group.id": "e2e-reader",
            "enable.auto.commit": False, "auto.offset.reset": "error",
            "enable.partition.eof": True, "fetch.wait.max.ms": 10,
            "fetch.message.max.bytes": 16 << 20,
            "log_level": 0})
        found = []
        waiting = {p.partition for p in parts if ends[(topic, p.partition)]}
        try:
            # Asked for, the leaders are known at once, else after 0.5 s.
            consumer.list_topics(topic, timeout=TIMEOUT_S)
            consumer.assign([TopicPartition(topic, n,
                                            confluent_kafka.OFFSET_BEGINNING)
                             for n in waiting])
            silent_since = time.monotonic()
            while waiting:
                # consume() waits for all it may return: so not for long.
                messages = consumer.consume(1000, 0.05)
                for message in messages:
                    self._take(message, ends, waiting, found)
                if messages:
                    silent_since = time.monotonic()
                assert time.monotonic() - silent_since < TIMEOUT_S, \
                    f"{topic}: nothing comes from {waiting}"
        finally:
            consumer.close()
        return sorted(found, key=lambda r: (r.partition, r.offset))

    def _take(self, message, ends, waiting, found):
        error = message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            waiting.discard(message.partition())
            return
        end = ends[(message.topic(), message.partition())]
        if message.offset() < end:
            headers = {name: value.decode()
                       for name, value in message.headers() or ()}
            found.append(Record(message.topic(), message.partition(),
                                message.offset(), message.key(),
                                message.value(), headers))
        if message.offset() >= end - 1:
            waiting.discard(message.partition())

    def produce(self, topic, key, value, headers, partition):
        """One record as it stands, acknowledged."""
        producer = confluent_kafka.Producer(
            {"bootstrap.servers": self.brokers, "log_level": 0})
        errors = []
        producer.produce(topic, key=key, value=value, partition=partition,
                         headers=list(headers.items()),
                         on_delivery=lambda error, _: errors.append(error))
        producer.flush(TIMEOUT_S)
        assert errors == [None], errors
