/*
 * group.h - membership in the sink's consumer group: what is assigned, what
 * comes from it, how far it is committed.
 *
 * The thin shell around librdkafka's consumer. It subscribes to the table
 * topics of the pipeline by pattern, looks up where each partition begins,
 * hands out messages, pauses, commits, and notices when partitions go. It
 * knows nothing of items, targets or verdicts.
 *
 * Epoch
 *   Partitions come and go all together (eager rebalancing). Each time the
 *   ones held are dropped, `group_epoch` changes: the caller then forgets
 *   every message and struct part it got before. A revoke first commits what
 *   is settled, bounded; a loss commits nothing.
 *
 * Where reading begins
 *   At the committed offset, which is asked for until it is known; a
 *   partition without one begins at BEGINNING, explicitly. Everything else
 *   (auto.offset.reset=error) is ERR_FATAL: data is missing.
 *
 * Frozen
 *   A process that was stopped (SIGSTOP, suspend, a stuck hypervisor) must
 *   not send what it held: meanwhile another member may have got the
 *   partitions, applied a newer delete, and the target may have forgotten
 *   that delete. The broker gives partitions away session_ms (10 s) after the
 *   last heartbeat, which librdkafka's own thread sends every second; a
 *   rebalance that others start waits for us longer than that. So with t =
 *   time since we were known to be a member (the group was polled, or a
 *   commit was sent that the broker accepted later), on CLOCK_BOOTTIME, which
 *   also counts a suspended machine:
 *     t < 8 s   nothing can have been given away
 *     t >= 8 s  the next group_poll looks before it hands anything out:
 *               paused, for more than two heartbeats, in which the broker's
 *               "unknown member" arrives or librdkafka's own session timer
 *               has run out
 *     t > 60 s  (SINK_BATCH_AGE_MS) everything held is dropped and read
 *               again from the committed offsets, whoever owns them now
 *   The caller asks group_silence_ms right before it sends, and polls when it
 *   is not below GROUP_LOOK_MS. What remains is a stop between that question
 *   and the bytes on the wire, which `send_by_ms` and the request's total
 *   deadline bound: both are minutes below index.gc_deletes. A long request
 *   looks the same from here, but then the heartbeats went on, nothing was
 *   lost, and the commit behind it saves the look.
 *
 * librdkafka 2.0.2, read and tested:
 *   - pause drops the partition's queue and later goes on behind the last
 *     message handed out, but the flag outlives the assignment: a partition
 *     that is unassigned while paused never starts again. So everything is
 *     resumed before it is unassigned.
 *   - a message can come in spite of a pause (assigned meanwhile): it is
 *     held here and handed out first after the pause.
 *   - cooperative rebalancing stalls and crashes in this version (its issues
 *     3306, 4312, 4527), so: eager, "roundrobin", which unlike "range"
 *     spreads many small topics evenly over the members.
 *   - consume_batch loses messages around seek, pause and rebalance: single
 *     polls only.
 *   - a fetcher that found the local queue full looks again after a whole
 *     second unless something wakes its thread, which would hold a fast
 *     target down to two batches a second: hence group_nudge. (Versions from
 *     2.2 have a setting for it.)
 *   - closing waits up to the session timeout for a coordinator that is
 *     away: it is done through a queue, with our own deadline.
 *
 * Main thread only.
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "common/assign.h"
#include "common/consumer.h"

enum { GROUP_LOOK_MS = 8 * 1000, GROUP_NUDGE_MS = 100 };

struct group; /* opaque */

struct group_msg {
    rd_kafka_message_t *msg; /* NULL: nothing came. The caller's to destroy */
    struct part *part;       /* valid for this epoch */
};

/* Joins the group in the background. ERR_CONFIG for refused settings. `conf`
   is borrowed until group_close. */
int group_open(struct group **ret_group, const struct consumer_conf *conf,
               struct err *e) MUST_CHECK;

/* Serves the group for up to `wait_ms` and returns at most one message; none
   while paused. Offsets of a partition only rise within an epoch. Call it at
   least every few seconds but for a running request. ERR_FATAL: messages
   cannot be read or would be skipped; names the position and the remedy. */
int group_poll(struct group *g, int wait_ms, struct group_msg *ret_msg,
               struct err *e) MUST_CHECK;

/* Gives a message back: it comes first from the next group_poll. */
void group_unread(struct group *g, struct group_msg msg);

/* To be called between filling and sending a batch: when much was handed out
   since the last time, fetching goes on now and not only next second. Waits
   for one answer of the brokers, a millisecond, at most GROUP_NUDGE_MS. */
void group_nudge(struct group *g);

unsigned group_epoch(const struct group *g);

/* Since we were known to be a member: see "Frozen". */
int64_t group_silence_ms(const struct group *g);

/* Paused: partitions that come meanwhile are paused too. */
void group_pause(struct group *g, bool paused);

/* Does this member know what it has to read: partitions assigned and their
   offsets found, or none for us, or no table topic exists yet? */
bool group_settled(const struct group *g);

/* consumer_passed for this group; waits for the brokers. */
int group_passed(struct group *g, const char *topic, bool *ret_passed,
                 struct err *e) MUST_CHECK;

/* Commits, without waiting, what offsets_settle released since the last
   time; also after failures. Cheap when there is nothing. */
void group_commit(struct group *g);

/* Calls `each` for all partitions held. `behind`: the broker has more of it
   than was handed out, as far as is known. */
typedef void group_each_fn(void *arg, const struct part *p, bool behind);
void group_each(struct group *g, group_each_fn *each, void *arg);

/* Commits what is settled and leaves the group, within `budget_ms` whatever
   the brokers do. Precondition: every message that was handed out has been
   destroyed or given back. Accepts NULL. */
void group_close(struct group *g, int budget_ms);
