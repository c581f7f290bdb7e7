/* tl_origin.h - who really sent a RST: the end that it names, a device on the path, or nobody can say.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Neutral facts: firewalls, load balancers and NATs send resets in the name of an endpoint for good reasons.
 */
#ifndef TL_ORIGIN_H
#define TL_ORIGIN_H

#include "conn/tl_conn.h"

/* How soon an end answers, over all connections of its host. */
struct tl_half_rtt {
    int64_t ns; /* least; negative = not known */
    unsigned count;
    bool of_syn; /* a sample is of the handshake, where no ACK is delayed */
};

/* Weighs evidence (bits of enum tl_evidence). Sets the confidence, NONE with UNKNOWN. O(1). */
enum tl_origin tl_origin_judge(uint32_t evidence, uint8_t *confidence);

/* Whether the end's clock and counter go on, and no other TTL speaks against it: all that a packet can show for its end. O(1). */
bool tl_origin_is_own(uint32_t evidence);

/* The cause that holds when the evidence says where the RST came from: what speaks of the end gives way to a device. Changes `now`, whose
 * cause, confidence, origin and evidence are set. O(1). */
void tl_origin_amend(struct tl_rst_now *now, unsigned flags, enum tl_rst_stage stage);

/* Collects the evidence about the RST in this step into its shape and refs, and judges it. Called after form and cause are known and
 * before the RST is remembered. False when nothing is judged: copies of flags that no TCP sends, a clock that ran backwards.
 * O(TL_RECENT_MAX). */
bool tl_origin_classify(struct tl_step *step);

/* What the TTL of a RST in the name of `end` shows, bits of enum tl_evidence; `usual` becomes the TTLs that it was compared with.
 * O(TL_RECENT_MAX). */
uint32_t tl_origin_ttl(const struct tl_conn *conn, unsigned end, uint8_t ttl, struct tl_ttls *usual);

/* The TTL of `usual` nearest to this one; 0 when there is none. O(TL_HOST_TTLS). */
uint8_t tl_origin_nearest(const struct tl_ttls *usual, uint8_t ttl);

/* Whether this TTL came over more hops than all of `usual`. O(TL_HOST_TTLS). */
bool tl_origin_is_farther(const struct tl_ttls *usual, uint8_t ttl);

/* How soon `end` answers. O(TL_HOSTS_WAYS). */
void tl_origin_half_rtt(const struct tl_conn *conn, unsigned end, struct tl_half_rtt *half);

/* A segment without RST: what it shows of its host, and of earlier RSTs in the name of its sender. Called before the segment is
 * applied. O(TL_RECENT_MAX) if there are such RSTs, else O(1). */
void tl_origin_learn(struct tl_step *step);

/* What the RST in this step shows of earlier ones in the name of its sender. Called before it is remembered. O(1). */
void tl_origin_learn_reset(struct tl_step *step);

/* The RST in this step for the table of all hosts. O(1). */
struct tl_host_rst tl_origin_host_rst(const struct tl_step *step);

/* Remembers the RST in this step, judged or not, to judge it again. `rsts` is the part of its sender. O(1). */
void tl_origin_remember(struct tl_step *step, struct tl_rsts *rsts, bool judged);

/* The RST as it is known by now. O(TL_RECENT_MAX). */
void tl_origin_by_now(const struct tl_conn *conn, const struct tl_rst_seen *seen, struct tl_rst_now *now);

#endif
