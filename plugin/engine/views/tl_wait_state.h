/* tl_wait_state.h - what the waits of a connection remember of its two ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Internal to tl_wait*.c. X is the end that sent the segment which ends a wait, Y the other one. The leg of an end is the least time from
 * the capture point to it and back; what passes the capture point is known to the end, and its reaction seen, one leg later.
 */
#ifndef TL_WAIT_STATE_H
#define TL_WAIT_STATE_H

#include "conn/tl_conn.h"
#include "views/tl_waits.h"

enum {
    TL_WAIT_REPORTS = 16, /* of one end that are kept: as far back as a leg reaches */
    TL_WAIT_NOBODY = 2,
};

/* What an end said of the bytes that it received. */
struct tl_wait_report {
    int64_t ns;      /* when it passed the capture point */
    int64_t covered; /* when the newest segment passed that it acknowledges; TL_WAIT_NEVER = not known */
    uint32_t ack;
    uint32_t window; /* scaled; TL_WAIT_WINDOW_UNKNOWN where the scale is not known */
    bool moves;      /* it acknowledges more than the report before */
    bool is_exact;   /* covered is of this report, else of one shortly before */
};

#define TL_WAIT_NEVER INT64_MIN
#define TL_WAIT_WINDOW_UNKNOWN (UINT32_C(1) << 30)

struct tl_wait_end {
    int64_t leg_ns, second_ns;      /* the least, and the next; TL_WAIT_NEVER = none */
    int64_t sent_ns;                /* its last new bytes */
    int64_t before_ns;              /* those before */
    int64_t timed_ns;               /* the segment whose ACK is awaited to time it; TL_WAIT_NEVER = none */
    int64_t probed_ns;              /* its window probe since its last new bytes; TL_WAIT_NEVER = none */
    struct tl_wait_report *reports; /* ring, of what it received */
    uint32_t max;                   /* end of what it sent */
    uint32_t una;                   /* acknowledged up to here */
    uint32_t sent_end;              /* end of its last new bytes; before_end of those before */
    uint32_t before_end;
    uint32_t timed_end;
    uint32_t hole;      /* what it sends is missing below here, if has_hole */
    uint32_t hole_last; /* the same of the last hole, if has_hole_last */
    uint32_t repair;    /* its loss is repaired when this is acknowledged, if repairs */
    uint32_t window_max;
    uint32_t limited_count;
    uint32_t len, len_max; /* payload of its last new segment, and the most */
    uint8_t count, newest; /* reports */
    uint8_t samples;       /* of the leg; stops at 255 */
    bool has_max : 1, has_una : 1, has_sent : 1, has_before : 1;
    bool has_hole : 1, has_hole_last : 1, repairs : 1;
    bool limited : 1; /* its last new segment left less than one segment of the known window, or the window closed */
    bool fin : 1, fin_acked : 1;
};

/* From the first segment on that is neither SYN nor RST. */
struct tl_wait_state {
    int64_t ns[TL_WAIT_CLASS_COUNT]; /* handshake and loss come on top of those in tl_waits */
    int64_t loss_from;               /* what is lost now was missed since; TL_WAIT_NEVER = nothing is */
    int64_t lost_from, lost_to;      /* the same, repaired, within this wait; TL_WAIT_NEVER = none */
    int64_t acked_part,
        acked_all;    /* the end whose turn it is acknowledged older bytes, all bytes; TL_WAIT_NEVER = it did not */
    int64_t needless; /* a timer sent again what was not lost; TL_WAIT_NEVER = no */
    int64_t longest_ns[2];
    uint32_t longest_in[2];
    uint32_t answers, acks;
    struct tl_wait_end end[2];
    uint8_t data;       /* end that sent the last new bytes, or TL_WAIT_NOBODY */
    bool keepalive : 1; /* within this wait */
    bool opened : 1;    /* the handshake is over */
};

/* What one segment is to the waits. */
struct tl_wait_heard {
    const struct tl_segment *seg;
    const struct tl_shape *shape;
    const struct tl_refs *refs;
    struct tl_wait_end *x, *y;
    int64_t now;
    unsigned xi;
    uint32_t end; /* sequence number behind it */
    bool syn, fin, rst;
    bool brings; /* payload, SYN or FIN */
    bool probe, keepalive;
    bool again, is_new, needless, opens, acks_fin;
};

/* The segment that ends a wait. */
struct tl_wait_event {
    const struct tl_waits *waits;
    const struct tl_segment *seg;
    int64_t now; /* its time, never before the newest */
    unsigned x;  /* end that sent it */
    unsigned client;
    uint8_t cause; /* enum tl_retransmission */
    bool opens;    /* a SYN, or the ACK that completes the handshake */
    bool again;    /* a retransmission that was needed, as far as known */
    bool hidden;   /* whose first transmission was never captured */
    bool acks_fin; /* and brings nothing itself */
    bool guessed;  /* set by the rules: an estimate is in it */
};

enum { TL_WAIT_PIECES = 4 };

/* A wait in pieces: each lasts until its time, the first from the beginning of the wait. */
struct tl_wait_split {
    struct {
        int64_t until;
        uint8_t wait_class; /* enum tl_wait_class */
    } piece[TL_WAIT_PIECES];
    unsigned count;
};

static inline void tl_wait_piece(struct tl_wait_split *split, int64_t until, unsigned wait_class)
{
    if (split->count < TL_WAIT_PIECES) {
        split->piece[split->count].until = until;
        split->piece[split->count++].wait_class = (uint8_t)wait_class;
    }
}

/* ---- tl_wait_end.c -------------------------------------------------------------------------------------------------------- */

/* A new end of a connection, as its SYN offers it. */
void tl_wait_end_begin(struct tl_wait_end *end, const struct tl_wait_offer *offer);

/* The leg as it counts: 0 when it is the host itself or not known. */
int64_t tl_wait_leg(const struct tl_wait_end *end);

/* The leg as measured; TL_WAIT_NEVER = not known. */
int64_t tl_wait_leg_measured(const struct tl_wait_end *end);

/* A sample of the leg. */
void tl_wait_sample(struct tl_wait_end *end, int64_t ns);

/* Payload of a full segment of `end`. */
uint32_t tl_wait_mss(const struct tl_waits *waits, unsigned end);

/* The i-th report of an end, 0 = oldest; NULL past the newest. */
const struct tl_wait_report *tl_wait_report_at(const struct tl_wait_end *end, unsigned i);

/* Keeps a report of end `y` to `x`; false without memory. */
bool tl_wait_report_add(const struct tl_wait_end *x, struct tl_wait_end *y, const struct tl_allocator *allocator,
                        const struct tl_wait_report *report);

/* Whether the end with this leg can have known a report when it sent what passed at `ns`. */
static inline bool tl_wait_knows(int64_t leg, const struct tl_wait_report *report, int64_t ns)
{
    return report->ns + leg - leg / 10 <= ns;
}

/* Right edge of the window that end `x` knows at `ns`; false if it knows none. */
bool tl_wait_edge(const struct tl_wait_state *state, unsigned x, int64_t ns, uint32_t *edge);

/* ---- tl_wait_learn.c ------------------------------------------------------------------------------------------------------ */

/* What an ACK tells: legs, windows, repairs that are over. False without memory. */
bool tl_wait_learn_ack(struct tl_waits *waits, const struct tl_allocator *allocator, const struct tl_wait_heard *heard);

/* The first duplicate ACK is the first sign of a loss. */
void tl_wait_learn_duplicate(struct tl_waits *waits, const struct tl_wait_heard *heard);

/* What the bytes tell: how far their sender is, what is missing. */
void tl_wait_learn_bytes(struct tl_waits *waits, const struct tl_wait_heard *heard);

/* ---- tl_wait_rules.c ------------------------------------------------------------------------------------------------------ */

/* What the wait was for that the event ends. Every piece but the last may be empty; the last ends at the event. */
void tl_wait_decide(struct tl_wait_event *event, struct tl_wait_split *split);

/* The same for what is under way at the end. */
void tl_wait_decide_end(const struct tl_waits *waits, unsigned client, struct tl_wait_split *split);

#endif
