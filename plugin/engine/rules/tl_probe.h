/* tl_probe.h - keep-alive and zero-window probes, their answers, and challenge ACKs (docs/design.md, "Probes").
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TL_PROBE_H
#define TL_PROBE_H

#include "conn/tl_conn.h"

/* Keep-alive timers count whole seconds, and fire late rather than early. */
#define TL_KEEPALIVE_LEAST_NS (990 * TL_MS)

/* Whether the segment probes the peer, or answers the peer's probe. Called with the connection as it was before. O(1). */
void tl_probe_classify(struct tl_step *step);

/* Whether a pure ACK answers a SYN or RST that does not fit the open connection, or comes from TIME-WAIT. Called after
 * tl_probe_classify. O(1). */
void tl_probe_classify_ack(struct tl_step *step);

/* Whether this segment comes late enough to answer something that the peer sent at sent_ns: not before it can have got there.
 * O(1). */
bool tl_probe_may_answer(const struct tl_step *step, int64_t sent_ns);

/* Whether this pure ACK may be the same packet as `before` of the same end, doubled by the network: no IP ID and no newer TSval tell them
 * apart, and it comes within `patience_ns`, the time by which two copies may differ. O(1). */
bool tl_probe_may_be_copy(const struct tl_step *step, const struct tl_recent_entry *before, int64_t patience_ns);

/* Keeps the runs of probes up to date; called after the segment was applied. O(1). */
void tl_probe_learn(struct tl_step *step);

/* The same, for a segment that is neither probe nor answer nor copy nor stray: nobody asks any more. O(1). */
void tl_probe_end_runs(struct tl_conn *conn, const struct tl_segment *seg);

/* Whether this end asks nothing, and its window is open, so that nobody asks it. O(1). */
static inline bool tl_probe_is_quiet(const struct tl_endpoint *end)
{
    return tl_probes(end)->count == 0 && end->window > 0;
}

/* Whether the segment neither closes the window nor fills the peer's, which is open, to the last octet. O(1). */
static inline bool tl_probe_is_quiet_about(const struct tl_endpoint *peer, const struct tl_segment *seg)
{
    return seg->window > 0 && seg->len != peer->window &&
           !(seg->len == 1 && peer->reopened); /* such an octet may probe a window whose update was lost */
}

#endif
