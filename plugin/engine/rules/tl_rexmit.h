/* tl_rexmit.h - whether the bytes of a segment are new, late or sent again, and why they were sent again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Rules and their measured accuracy: docs/design.md, "Retransmission and ordering".
 */
#ifndef TL_REXMIT_H
#define TL_REXMIT_H

#include "base/tl_clock.h"
#include "conn/tl_conn.h"
#include "rules/tl_feedback.h"

/* Open proofs. */
enum { TL_RESENDS_MAX = 32 };

/* A retransmission that a later segment may show to have been spurious. */
struct tl_resend {
    int64_t time_ns;
    uint32_t frame;
    uint32_t seq, end;
    uint32_t twice; /* D-SACKs have reported it up to here */
    uint32_t tsval;
    bool has_tsval;
    bool captured_before; /* the bytes had been captured before */
    bool answered;        /* an ACK or SACK has covered it */
    bool proved;          /* spurious */
    bool reported;        /* a D-SACK, or an ACK of nothing new, was about it */
    bool filled;          /* the ACK that went on from its first byte is the answer to it */
};

/* What the repair of losses in one direction has come to. Made when its sender first sends payload. */
struct tl_repair {
    const struct tl_allocator *allocator;
    struct tl_feedback feedback; /* of the receiver */
    struct tl_clock clock;       /* of the sender */
    struct tl_resend *resends;   /* ring of the last ones */
    int64_t heard_ns;            /* the receiver's last segment before this was made */
    int64_t rto_ns;              /* the last timeout */
    int64_t rto_gap_ns;          /* between it and the transmission before it */
    uint32_t loss_point;         /* Loss state lasts until this is acknowledged */
    uint32_t recovery_point;     /* fast or SACK recovery lasts until this is acknowledged */
    uint32_t rto_seq;            /* bytes of the last timeout */
    uint32_t probed_una;         /* what the sender knew to be acknowledged when it sent its last tail loss probe, if probed */
    int64_t fresh_ns;            /* when the newest segment with IP ID passed */
    int64_t own_ns;              /* for how long now no IP ID went to anybody else, as far as captured */
    uint32_t fresh_end;          /* where its payload ended */
    uint32_t fresh_len;          /* payload of the newest segment with IP ID and payload */
    uint32_t fresh_ack;          /* what the receiver had sent when the newest segment with IP ID passed */
    uint16_t fresh_id, fresh_cost; /* its IP ID, and how many IDs it used (offload cuts it later) */
    uint8_t resend_count, resend_capacity, resend_newest;
    uint8_t backoff; /* timeouts of rto_seq in a row */
    bool in_loss, in_recovery;
    bool probed;
    bool has_fresh;
    bool reorders; /* a segment of this direction was overtaken */
    bool seen_sack;
};

/* Names the segment; for a retransmission the cause, its transmissions, whether it was spurious. Called before the segment is
 * applied. O(log n). */
void tl_rexmit_classify(struct tl_step *step);

/* The first echo of a TSval in a segment of `self` times the way from the capture point to it and back. The end has a repair.
 * Returns whether that is the shortest so far. O(reports kept). */
bool tl_rexmit_time_echo(struct tl_endpoint *self, const struct tl_segment *seg);

/* The segment was applied: the sender's clock and its newest IP ID. O(1). */
void tl_rexmit_learn(struct tl_step *step);

/* The same, for a segment of the sender that is neither copy nor stray nor RST. */
void tl_rexmit_learn_sender(struct tl_repair *repair, const struct tl_endpoint *peer, const struct tl_segment *seg);

/* The receiver's side of a segment with ACK: SACK blocks, before the cumulative ACK is applied. */
void tl_rexmit_before_ack(struct tl_step *step);

/* The same, after: `acked` says what the cumulative ACK did, NULL if it did not move. Names the ACK, keeps the report, and
 * finds the retransmissions of the peer that it shows to have been spurious. O(TL_RESENDS_MAX) while some are open. */
void tl_rexmit_after_ack(struct tl_step *step, const struct tl_scoreboard_ack_result *acked);

/* Frees what the direction of this end holds. */
void tl_rexmit_free(struct tl_endpoint *end);

/* Whether there is nothing to say of the next payload of `self` but that it is new: it is not the first, which makes the repair, no
 * loss is being repaired that it could end, no IP ID before it is missing that a lost original could have had (has_hidden_original),
 * and the scoreboard takes it. O(1). */
static inline bool tl_rexmit_is_quiet_about(const struct tl_endpoint *self, const struct tl_segment *seg)
{
    const struct tl_repair *repair = self->repair;

    return repair && !repair->in_loss && !repair->in_recovery && seg->len <= TL_SCOREBOARD_JUMP_MAX &&
           (int16_t)(uint16_t)(seg->ip_id - repair->fresh_id - repair->fresh_cost) <= 0;
}

#endif
