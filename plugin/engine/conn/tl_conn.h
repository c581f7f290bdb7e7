/* tl_conn.h - one connection, and the context in which one of its segments is classified.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Internal to the engine. Everything is written once for (self, peer): self sent the segment, peer is the other end.
 */
#ifndef TL_CONN_H
#define TL_CONN_H

#include "base/tl_event.h"
#include "base/tl_seq.h"
#include "record/tl_fsm.h"
#include "record/tl_hosts.h"
#include "record/tl_recent.h"
#include "record/tl_scoreboard.h"
#include "record/tl_zeek.h"
#include "tl.h"

/* Times, in ns. */
#define TL_MS INT64_C(1000000)
#define TL_SECOND INT64_C(1000000000)
#define TL_UNKNOWN_NS INT64_C(-1)

/* Marks on the entries of tl_endpoint.recent. */
enum tl_mark {
    TL_MARK_ANSWERED = 0x01,  /* a RST answered it */
    TL_MARK_PROBE = 0x02,     /* a keep-alive or window probe */
    TL_MARK_CHALLENGE = 0x04, /* a challenge ACK */
};

/* Parts of an end that only some connections need: NULL as long as nothing is known of them. tl_syns() and the like read them, zeroes
 * where there is none; a writer makes them first (tl_conn_part), and when memory runs out the fact stays unknown. */

/* SYNs or SYN-ACKs of one end; enough to time the handshake although some are repeated. Made by tl_open. */
struct tl_syns {
    int64_t first_ns, last_ns;
    int64_t gap_ns;                           /* between the last two */
    uint32_t first_in, last_in;               /* frames */
    uint32_t earlier_in[2], earlier_tsval[2]; /* repetitions before the last one, newest first */
    uint32_t copy_in;                         /* frame of the last copy; it may draw an answer, too */
    uint32_t first_tsval, last_tsval;         /* if they carry timestamps */
    uint16_t count;                           /* transmissions, copies left out; stops at 65535 */
    bool last_bare;                           /* the last one carries no payload */
};

/* A SYN-ACK with another initial sequence number that came before the last one: a load balancer, or somebody who answers for the
 * server. The one that the client acknowledges counts. */
struct tl_other_synack {
    uint32_t isn, frame;
    uint16_t options, mss;
    uint8_t scale;
    bool known;
};

/* Keep-alive or window probes of one end with nothing else of that end in between. Made by tl_probe. */
struct tl_probe_run {
    int64_t last_ns;     /* newest probe */
    int64_t interval_ns; /* between the newest two */
    int64_t gap_ns;      /* the same; after the first one the silence before it */
    uint32_t first_in;
    uint32_t last_in;
    uint32_t count;
    uint32_t unanswered; /* since the last segment of the peer */
    uint32_t seq;        /* where the newest probe stands */
    uint8_t confidence;  /* enum tl_confidence of is_window */
    bool is_window;      /* else keep-alive */
    bool is_empty;       /* the newest one carries no payload */
    bool answered;       /* the newest one */
    bool resent;         /* since the first one the peer has sent old octets again: it is there, but may hear nothing */
    bool doubled;        /* gap_ns was about twice the one before */
};

/* RSTs of one end. Made by tl_rst. */
struct tl_rsts {
    int64_t last_ns;
    uint32_t first_in, last_in;
    uint32_t seq, ack;               /* of the last one */
    uint32_t self_max, self_ack;     /* what this end had sent and acknowledged at the last one, */
    uint32_t peer_max;               /* and what the peer had sent */
    uint32_t later;                  /* enum tl_evidence: what came later of this end shows of the RSTs up to later_in */
    uint32_t later_in;               /* frame */
    uint32_t evidence;               /* enum tl_evidence of the last one, as known then */
    uint32_t path_in;                /* frame of the RST that path_ttl is of */
    uint32_t unharmed_in;            /* the RST of this frame was challenged or ignored, as effect says */
    uint16_t count;                  /* copies included; stops at 65535 */
    uint8_t effect;                  /* enum tl_rst_effect of the RST in unharmed_in */
    uint8_t stage;                   /* enum tl_rst_stage of the first one */
    uint8_t path_ttl;                /* TTL of one that a device on the path sent, as it tells; 0 = none */
    uint8_t bare, with_ack;          /* how many of each form; stop at 255 */
    bool has_self : 1, has_peer : 1; /* self_max, peer_max are known; */
    bool has_self_ack : 1;           /* self_ack is; */
    bool had_ack : 1;                /* the last one has an ACK number */
    bool acks_differ : 1, ack_zero : 1;
    bool own : 1; /* one of them was from this end, likely or certain */
};

struct tl_repair;
struct tl_mtu_seen;

/* One end: what it sent (sequence numbers of its direction) and what it said of the other direction. */
struct tl_endpoint {
    struct tl_fsm fsm;
    struct tl_scoreboard *sent;   /* bytes that the peer has not acknowledged; NULL as long as a record would have none */
    struct tl_recent recent;      /* its last segments */
    struct tl_repair *repair;     /* of losses among them; NULL before its first payload */
    struct tl_mtu_seen *mtu_seen; /* of the path's MTU, to its segments; NULL = nothing. Made and read by tl_path_mtu */
    struct tl_syns *syns, *synacks;
    struct tl_probe_run *probes;
    struct tl_rsts *rsts;
    int64_t late_ns;     /* by how much it is written later than the other end, at least; 0 = not late, as far as is known */
    int64_t half_rtt_ns; /* least time from the capture point to this end and back; TL_UNKNOWN_NS = never measured */
    int64_t fin_ns;      /* its FIN, first transmission */
    int64_t ack_ns;      /* when its acknowledgment number moved last */
    int64_t unseen_ns;   /* the ACK that went beyond everything captured of it */
    int64_t last_ns;     /* its last segment */
    int64_t silent_ns;   /* its last segment that was no probe and no answer to one */
    int64_t trigger_first_ns; /* the first of them that was not answered */
    int64_t trigger_ns;       /* its last segment that draws a challenge ACK: SYN, SYN-ACK again, or RST */
    uint32_t isn;
    uint32_t syn_extra;  /* octets that its SYN occupies besides the SYN itself: payload and FIN */
    uint32_t max;        /* end of the highest bytes it sent, captured or acknowledged; probes and RST left out */
    uint32_t seen;       /* end of the highest bytes of it that were captured */
    uint32_t una;        /* acknowledged by the peer up to here: the highest acknowledgment number of that */
    uint32_t begin;      /* its first byte that was captured, if sent_data */
    uint32_t fin;        /* number that its FIN occupies */
    uint32_t closed_in;  /* frame of the segment that closed its window last */
    uint32_t octet_seq;  /* number of the newest octet whose value is known, if has_octet */
    uint32_t window;     /* last advertised, scaled when the scale is known */
    uint32_t max_window; /* largest advertised */
    uint32_t tsval;      /* highest TSval sent */
    uint32_t open_tsval; /* TSval of the segment that opened its window again; see reopened */
    uint32_t tsecr;      /* newest TSecr sent */
    uint32_t stray_seq;  /* where the last stray segment ended, */
    uint32_t stray_from; /* and where the first of those began that continue each other */
    uint32_t stray_ack;  /* what the last one acknowledges, if it does */
    uint32_t fin_in;     /* frames */
    uint32_t finack_in;
    uint32_t finack_seq; /* where that ACK stood in the peer's numbers */
    uint32_t unseen_in;
    uint32_t trigger_in; /* frame of the segment that draws a challenge ACK; 0 = none, or answered */
    uint32_t segments;
    uint32_t insists_seq;              /* the number that it repeats; see insists */
    int64_t data_ns;                   /* its last new payload */
    uint64_t seen_bytes, unseen_bytes; /* acknowledged by the peer: captured, and never captured */
    uint16_t copies;                   /* among its first segments */
    uint16_t capture;                  /* enum tl_capture, what its segments show */
    uint16_t fins;                     /* transmissions of the FIN, copies left out */
    uint16_t options;                  /* enum tl_option of its SYN or SYN-ACK */
    uint16_t mss;                      /* that its SYN or SYN-ACK asks for; 0 = not known */
    uint16_t last_window;              /* as in the last header */
    uint8_t scale;                     /* of its SYN or SYN-ACK */
    uint8_t data_segments;             /* with new payload; stops at 255 */
    uint8_t insists;                   /* how often it has repeated one number without an answer; stops at 255 */
    uint8_t strays;                    /* stray segments in a row that continue each other */
    uint8_t half_rtt_count;            /* samples of half_rtt_ns; stops at 255 */
    uint8_t unheard;                   /* its retransmissions although their ACKs had passed long before; these stop at 255 */
    uint8_t not_taken;                 /* its retransmissions of what had passed beside a receiver that then did not know it */
    uint8_t updates_lost;              /* its window probes although the other window was open again long before */
    uint8_t sack_alien;                /* its segments with SACK blocks outside of everything that it can have got */
    uint8_t sack_bare;                 /* its duplicate ACKs without SACK blocks although both ends agreed on them */
    uint8_t octet;                     /* value of the octet with number octet_seq */
    bool has_isn : 1;
    bool has_isn_of_syn : 1; /* ISN seen on a SYN or SYN-ACK, not inferred */
    bool has_max : 1;
    bool has_seen : 1;
    bool has_una : 1;
    bool has_octet : 1;
    bool has_fin : 1;
    bool fin_inferred : 1; /* the FIN itself was not captured */
    bool fin_covered : 1;  /* bytes in the place of its FIN came after it */
    bool has_stray_ack : 1;
    bool fin_repeated : 1; /* its FIN came again since the peer acknowledged it */
    bool has_tsval : 1;
    bool has_echo : 1; /* tsecr is an echo: without ACK, and when zero, it is none (RFC 7323 3.2) */
    bool has_window : 1;
    bool reopened : 1;        /* opened its window again, and since then the peer has sent probes and answers only */
    bool gone : 1;            /* a RST of its own says that it no longer has the connection */
    bool acks_unexpected : 1; /* the peer's ACKs are not captured */
    bool sent_plain : 1;      /* a segment with neither SYN nor RST */
    bool sent_data : 1;       /* payload beyond the SYN's */
    bool half_rtt_of_syn : 1; /* a sample of half_rtt_ns is of the handshake, where no ACK is delayed */
    bool trigger_is_rst : 1;  /* what draws the challenge ACK is a RST, else a SYN */
};

/* The parts of an end, to read them. Each O(1). */
static inline const struct tl_syns *tl_syns(const struct tl_endpoint *end)
{
    static const struct tl_syns none;

    return end->syns ? end->syns : &none;
}

static inline const struct tl_syns *tl_synacks(const struct tl_endpoint *end)
{
    static const struct tl_syns none;

    return end->synacks ? end->synacks : &none;
}

static inline const struct tl_probe_run *tl_probes(const struct tl_endpoint *end)
{
    static const struct tl_probe_run none;

    return end->probes ? end->probes : &none;
}

static inline const struct tl_rsts *tl_rsts(const struct tl_endpoint *end)
{
    static const struct tl_rsts none;

    return end->rsts ? end->rsts : &none;
}

static inline const struct tl_scoreboard *tl_scoreboard_of(const struct tl_endpoint *end)
{
    static const struct tl_scoreboard none;

    return end->sent ? end->sent : &none;
}

enum { TL_NO_ENDPOINT = 2 };

/* One RST, as it is kept to be judged again later. */
struct tl_rst_seen {
    int64_t ns;         /* its time */
    uint32_t frame;     /* its frame; 0 = none */
    uint32_t evidence;  /* enum tl_evidence as known then */
    uint16_t flags;     /* enum tl_shape_flag */
    uint8_t end;        /* the end that it names */
    uint8_t cause;      /* enum tl_rst_cause as known then */
    uint8_t confidence; /* enum tl_confidence of it */
    uint8_t effect;     /* enum tl_rst_effect as known then */
    uint8_t stage;      /* enum tl_rst_stage */
    uint8_t ttl;
    bool judged;     /* its origin was: no damaged flags, no clock that ran backwards */
    uint8_t none[7]; /* 0: no padding, so that equal ones have equal bytes */
};

/* The RST that ended a connection. Written by tl_reset alone. */
struct tl_reset {
    int64_t ns;
    uint32_t in;            /* frame; stays when the RST is taken back: the connection had been one that a RST ended */
    struct tl_rst_seen any; /* the RST whose cause is kept: the one that ended it, else the first */
    uint8_t by;             /* end that it names, or TL_NO_ENDPOINT */
    bool ended;             /* it did end the connection */
};

/* What the handshake has shown. Written by tl_open alone. */
struct tl_opening {
    struct tl_other_synack other;                   /* of the server */
    int64_t ack_ns;                                 /* the client's ACK of the SYN-ACK */
    int64_t server_half_rtt_ns, client_half_rtt_ns; /* TL_UNKNOWN_NS = ambiguous or not seen */
    uint32_t ack_in, icmp_in;                       /* frames */
    uint32_t icmp_last_in;                          /* of the last ICMP error, the first one is icmp_in */
    uint32_t bad_in;                                /* the last SYN-ACK with a wrong ACK number */
    uint32_t challenge_in;                          /* frame of the challenge ACK that answered its SYN */
    uint32_t challenge_ack;                         /* and its acknowledgment number */
    uint32_t syn_data;                              /* payload of the client's SYN */
    uint8_t icmp_type, icmp_code;
    uint8_t first_flags; /* of the connection's first segment */
    uint8_t opener;      /* end of the first bare SYN, or TL_NO_ENDPOINT */
    uint8_t tfo;         /* enum tl_tfo */
    bool acked : 1;
    bool ambiguous : 1; /* the times: a repetition may be what was answered */
    bool bad_synack : 1;
    uint8_t ignored; /* SYN-ACKs again although the ACK had long passed; stops at 255 */
    bool has_challenge : 1;
};

/* What the FINs have shown; the numbers of the FINs stand with their ends. Written by tl_close alone. */
struct tl_closing {
    int64_t fin1ack_ns;
    uint8_t closer; /* end of the first FIN, or TL_NO_ENDPOINT */
    bool closer_unknown : 1;
    bool merged : 1;     /* the second FIN was the first to acknowledge the first */
    bool crossed : 1;    /* the second FIN did not acknowledge the first */
    bool half_close : 1; /* data after the first FIN had arrived */
};

/* How the view of Zeek is kept; see tl_zeek_view.c. */
enum tl_zeek_view_stage {
    TL_ZEEK_VIEW_NOT,    /* nobody asked for it when the connection began */
    TL_ZEEK_VIEW_SYN,    /* one plain SYN and its repetitions are all so far */
    TL_ZEEK_VIEW_SYNACK, /* and the plain SYN-ACK that answers it, and its repetitions */
    TL_ZEEK_VIEW_MADE,   /* in tl_conn.zeek */
};

/* One connection (incarnation). */
struct tl_conn {
    struct tl_pair *pair;
    struct tl_conn *previous; /* for a tentative connection: the one that it may replace */
    struct tl_conn *next;     /* the one before, of the same pair */
    struct tl_conn *later;    /* closed after this one, if it waits */
    struct tl_zeek *zeek;     /* as Zeek sees it, from TL_ZEEK_VIEW_MADE on; NULL also when memory ran out */
    struct tl_endpoint endpoint[2];
    struct tl_opening opening;
    struct tl_closing closing;
    struct tl_reset reset;
    int64_t start_ns, last_ns; /* first segment, newest time */
    int64_t base_ns;           /* capture time that is 0 on the clock of the pair, when it began */
    int64_t before_ns;         /* the segment before, in the order of the file */
    int64_t reuse_elapsed_ns;
    int64_t finish_ns;   /* last ACK that the close needs */
    int64_t release_ns;  /* if it waits, on the tracker's clock: when it was closed, or looked at last; */
    uint32_t release_in; /* and its last frame then. See tl_release */
    uint32_t number;
    uint32_t linked; /* number + 1 of another one whose SYN has the same numbers; 0 = none */
    uint32_t incarnation;
    uint32_t first_in, last_in; /* frames */
    uint8_t reuse;              /* enum tl_reuse */
    uint8_t client;             /* 0, 1: shown as the client */
    uint8_t sender_confidence;
    uint8_t phase;      /* enum tl_phase after the last segment */
    uint8_t phase_open; /* the same, before a RST ended the connection */
    uint8_t client_rst; /* enum tl_client_rst */
    uint8_t outcome;    /* enum tl_outcome, once segments have proved one; else NONE */
    uint8_t missing;    /* enum tl_missing */
    uint8_t zeek_stage; /* enum tl_zeek_view_stage */
    bool roles_known : 1;
    bool roles_refuted : 1; /* the SYN-ACK that told them was one that nobody had asked for */
    bool peers : 1;         /* simultaneous open or split: no client */
    bool midstream : 1;
    bool tentative : 1;
    bool opened : 1;   /* the handshake is over, or it was not captured */
    bool finished : 1; /* both FINs acknowledged */
    bool rst_late : 1; /* a RST came after that */
    bool superseded : 1;
    bool below_previous : 1; /* its SYN does not get past the TIME-WAIT of the one before */
    bool missed_nat : 1;     /* it is linked, and the other one was not answered when its SYN-ACK came */
    bool waits : 1;          /* among the closed connections of the tracker, for its release */
    bool fast_path : 1;      /* the next segment may be ordinary: tl_fast_path.h */
    bool zeek_in_step : 1;   /* Zeek's view has the same numbers, and need not hear of ordinary segments: tl_zeek_view.c */
    bool zeek_lags : 1;      /* and has not heard of the last ones */
};

/* All connections between two addresses and ports. Two are enough for routing: the newest, and the one before it while the
 * newest is tentative or old segments still arrive. The older ones stay only for what was already said of them. */
struct tl_pair {
    struct tl_tracker *tracker;
    struct tl_conn *newest; /* the others follow by tl_conn.next */
    int64_t base_ns;        /* times of the pair count from here: capture time that is 0 */
    int64_t last_ns;        /* capture time of its newest segment in the file */
    int64_t jump_ns;        /* on the pair's clock: when time had jumped last */
    bool has_base, has_jump;
    struct tl_endpoints ends;
};

/* A SYN that was captured: by its port and number the same SYN, or the answer to it, is known under other addresses. */
struct tl_known_syn {
    uint32_t isn, number; /* initial sequence number; number + 1 of its connection, 0 = none */
    uint16_t port;
    bool answered; /* by a SYN-ACK, in that connection */
};

enum { TL_KNOWN_SYNS = 256 }; /* newest SYNs kept, each in the place that its number gives */

struct tl_tracker {
    struct tl_allocator allocator;
    struct tl_known_syn syns[TL_KNOWN_SYNS];
    struct tl_hosts hosts;
    struct tl_conn *first_closed,
        *last_closed;  /* those that wait for their release, in the order of their closing; see tl_release */
    int64_t clock_ns;  /* capture time that has gone by, jumps left out */
    int64_t before_ns; /* time of the segment before, in the order of the file; */
    bool ticks;        /* there was one */
    uint32_t connections;
    bool views_zeek;
    bool no_fast_path; /* for tests: every segment goes through all rules */
};

/* How far a segment's time may lie from the pair's first one: 2^57 ns, 4.5 years. Beyond, it counts as exactly that far, so that
 * differences and small multiples of them stay within 64 bits. */
#define TL_TIME_SPAN_NS (INT64_C(1) << 57)
/* Two segments of a pair further apart than this, 417 days, have a clock that was set between them: the difference counts as exactly
 * this much, and times go on from there. */
#define TL_TIME_JUMP_NS (INT64_C(1) << 55)

/* A capture time on the pair's own clock, which starts one second before its first segment, so that 0 means never. O(1). */
int64_t tl_pair_time(const struct tl_pair *pair, int64_t time_ns);

/* The same for the next segment of the pair, in the order of the file; sets the clock. O(1). */
int64_t tl_pair_tick(struct tl_pair *pair, int64_t time_ns);

/* The context of one segment. */
struct tl_step {
    const struct tl_segment *seg;
    struct tl_conn *conn;
    struct tl_endpoint *self, *peer;
    struct tl_fsm *peer_fsm; /* of the peer; while the connection is tentative the one of the connection before it */
    struct tl_shape *shape;
    struct tl_refs *refs;
    const struct tl_recent_entry *copy_of; /* the packet that this is a copy of, as it was remembered, or NULL */
    struct tl_recent_entry original;       /* that entry: the ring moves when it grows */
    enum tl_event event;
    unsigned from;                   /* end that sent it */
    uint32_t length;                 /* sequence numbers that it occupies */
    uint32_t end;                    /* seq + length */
    int64_t rtt_ns;                  /* of the whole path, or TL_UNKNOWN_NS */
    uint8_t phase_before;            /* enum tl_phase */
    struct tl_fsm fsm[2];            /* of sender and receiver, as the segment leaves them */
    uint8_t phase_left, phase_after; /* enum tl_phase that the segment found, a RST taken back, and that comes after it */
    bool revokes;                    /* shows that the RST which had ended the connection ended nothing */
    bool legal;                      /* the flags are a combination that TCP sends */
    bool stray;
    bool new_bytes; /* ends beyond everything its sender had sent */
    bool late;      /* acknowledged before it was captured, and sent for the first time: tl_late.h */
    bool is_probe;
    bool acks_fin;                       /* first to acknowledge the peer's FIN */
    bool infers_fin;                     /* shows that the peer had sent a FIN that was not captured */
    bool refutes_fin;                    /* shows that the peer had not sent the FIN that was captured */
    bool opens;                          /* completes the handshake */
    bool finishes;                       /* leaves both FINs acknowledged */
    bool rst_effective;                  /* RST that ends the connection, or whose sender has closed */
    bool rst_judged;                     /* its origin was judged */
    struct tl_recent_entry *rst_answers; /* the segment of the peer that it answers, or NULL */
};

/* Makes a connection that knows nothing. NULL when out of memory. */
struct tl_conn *tl_conn_new(struct tl_pair *pair, const struct tl_segment *seg);

/* `part` of an end, to write to it; where there is none yet a new one of `bytes` zeroes, to be kept by the caller. NULL when out of
 * memory. O(1). */
void *tl_conn_part(const struct tl_conn *conn, void *part, size_t bytes);

/* Makes the record of what an end sent, for tl_conn_scoreboard(). */
struct tl_scoreboard *tl_conn_make_scoreboard(const struct tl_conn *conn, struct tl_endpoint *end);

/* The record of what an end sent, to write to it; NULL when out of memory. Before it is made it stands for one that starts at
 * `max`, if the end has that, and has no bytes: then a SYN, an ACK of all, or a segment without octets at `max` changes nothing
 * in it. O(1). */
static inline struct tl_scoreboard *tl_conn_scoreboard(const struct tl_conn *conn, struct tl_endpoint *end)
{
    return end->sent ? end->sent : tl_conn_make_scoreboard(conn, end);
}

/* Frees the record. */
void tl_conn_free_scoreboard(const struct tl_allocator *allocator, struct tl_endpoint *end);

static inline bool tl_has(const struct tl_step *step, unsigned flags)
{
    return (step->seg->flags & flags) == flags;
}

/* Time from `earlier_ns` to this segment; 0 when the clock ran backwards (our own decision: docs/design.md, "Time"). */
static inline int64_t tl_since(const struct tl_step *step, int64_t earlier_ns)
{
    return step->seg->time_ns > earlier_ns ? step->seg->time_ns - earlier_ns : 0;
}

/* Whether a clock was set since one of the ends was heard last: then no time between its segments proves anything. */
static inline bool tl_is_across_jump(const struct tl_step *step)
{
    const struct tl_pair *pair = step->conn->pair;

    return pair->has_jump && ((step->self->segments > 0 && step->self->last_ns < pair->jump_ns) ||
                              (step->peer->segments > 0 && step->peer->last_ns < pair->jump_ns));
}

/* Nothing of the peer was captured: neither its window nor its acknowledgments are known. */
static inline bool tl_one_way(const struct tl_step *step)
{
    return step->peer->segments == 0;
}

/* Whether the SYNs of both ends carried the option (enum tl_option). */
static inline bool tl_agreed(const struct tl_step *step, unsigned option)
{
    return step->self->options & step->peer->options & option;
}

static inline int64_t tl_max_ns(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t tl_min_ns(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The end sent something that draws a challenge ACK. */
static inline void tl_challenge_trigger(struct tl_endpoint *end, const struct tl_segment *seg, bool is_rst)
{
    /* share tl_challenge_trigger: 1 s; a trigger that old waits for no answer any more */
    if (end->trigger_in == 0 || seg->time_ns - end->trigger_ns > TL_SECOND) {
        end->trigger_first_ns = seg->time_ns;
    }
    end->trigger_in = seg->frame;
    end->trigger_ns = seg->time_ns;
    end->trigger_is_rst = is_rst;
}

/* Whether a device on the path sent this RST, at least likely: then it says nothing of the end that it names. */
static inline bool tl_of_path(const struct tl_shape *shape)
{
    return shape->origin == TL_ORIGIN_PATH && shape->origin_confidence != TL_CONFIDENCE_GUESS;
}

/* Counts, and stops at 255. */
static inline void tl_count(uint8_t *count)
{
    *count += *count < UINT8_MAX;
}

/* The ACK of end `e` for the peer's FIN has been captured. */
static inline bool tl_fin_acked(const struct tl_endpoint *e)
{
    return e->has_fin && e->has_una && tl_seq_after(e->una, e->fin);
}

#endif
