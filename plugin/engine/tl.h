/* tl.h - the contract of the engine: one TCP header in, one verdict out.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The engine knows TCP and nothing of Wireshark. Whoever uses it reads TCP headers into struct tl_segment, keeps one tl_pair
 * for each address and port pair, and hands over the segments of a pair in capture order:
 *
 *     struct tl_tracker *tracker = tl_tracker_new(&allocator);
 *     struct tl_pair *pair = tl_pair_new(tracker, &ends);
 *     if (tl_pair_update(pair, &segment, &result))
 *         ... result.shape says what the segment is, result.refs which frames and numbers prove it
 *     tl_conn_facts(verdict.conn, last_time, &facts);    what is known of the connection by now
 *
 * Properties: no I/O, no static mutable data, no recursion; total (any segment is accepted); deterministic; O(1) amortised
 * for each segment; memory for one connection bounded by TL_CONN_BYTES_MAX. Memory comes only from the allocator.
 */
#ifndef TL_H
#define TL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tl_names.h"

/* ---- input ------------------------------------------------------------------------------------------------------------- */

enum tl_flag {
    TL_FIN = 0x01,
    TL_SYN = 0x02,
    TL_RST = 0x04,
    TL_PSH = 0x08,
    TL_ACK = 0x10,
    TL_URG = 0x20,
    TL_ECE = 0x40,
    TL_CWR = 0x80,
};

/* Which options the header carries. A list that ends early or makes no sense sets TL_OPT_BROKEN; what came before counts. */
enum tl_option {
    TL_OPT_MSS = 0x0001,
    TL_OPT_WINDOW_SCALE = 0x0002,
    TL_OPT_SACK_PERMITTED = 0x0004,
    TL_OPT_SACK = 0x0008,
    TL_OPT_TIMESTAMPS = 0x0010,
    TL_OPT_FAST_OPEN = 0x0020,
    TL_OPT_MPTCP = 0x0040,
    TL_OPT_MPTCP_RST = 0x0080,
    TL_OPT_BROKEN = 0x0100,
    TL_OPT_CUT = 0x0200, /* not all of the header was captured; then TL_OPT_BROKEN, too */
};

enum { TL_SACK_BLOCKS_MAX = 4 }; /* what fits into 40 octets of options, RFC 2018 3 */

/* The facts of one TCP header and its IP header. All numbers in host order, all sequence numbers raw. */
struct tl_segment {
    int64_t time_ns;                      /* capture time since 1970, ns; may run backwards */
    uint32_t frame;                       /* frame number in the capture, from 1 */
    uint32_t seq;                         /* raw sequence number */
    uint32_t ack;                         /* raw acknowledgment number, whatever the ACK flag says */
    uint32_t len;                         /* payload bytes by the header lengths, whether captured or not */
    uint32_t tsval;                       /* if TL_OPT_TIMESTAMPS */
    uint32_t tsecr;                       /* if TL_OPT_TIMESTAMPS */
    uint32_t sack[TL_SACK_BLOCKS_MAX][2]; /* left and right edge of each block */
    uint16_t options;                     /* enum tl_option */
    uint16_t window;                      /* as in the header, not scaled */
    uint16_t checksum;                    /* as in the header */
    uint16_t ip_id;                       /* 0 for IPv6 */
    uint16_t mss;                         /* if TL_OPT_MSS */
    uint8_t flags;                        /* enum tl_flag */
    uint8_t sack_count;                   /* 0..TL_SACK_BLOCKS_MAX */
    uint8_t window_scale;                 /* if TL_OPT_WINDOW_SCALE; shift, may be above 14 */
    uint8_t fast_open_bytes;              /* if TL_OPT_FAST_OPEN; length of the cookie, 0 = request */
    uint8_t mptcp_rst_reason;             /* if TL_OPT_MPTCP_RST */
    uint8_t ttl;                          /* TTL or hop limit */
    uint8_t first_octet;                  /* first payload byte, if has_octet */
    uint8_t last_octet;                   /* last payload byte, if has_last_octet */
    uint8_t from;                         /* 0 or 1: the end of the pair that sent it */
    bool has_octet;
    bool has_last_octet;
    bool ipv6;
};

/* The two ends of a pair. End 0 is the one with the lower address, then port, so that the answer does not depend on which
 * packet came first. `is_service` tells that something is registered for the port; it serves only to guess roles when the
 * capture starts mid-stream. */
struct tl_endpoints {
    void *user; /* the caller's own, for instance its record of the addresses; see tl_conn_ends() */
    uint64_t
        host[2]; /* the same number for the same address; 0 = not known. Two addresses of one number only weaken evidence */
    uint16_t port[2];
    bool is_service[2];
};

/* An ICMP error which says that a segment is too large for the path: type 3 code 4 (RFC 792, RFC 1191), of ICMPv6 type 2 (RFC 4443 3.2,
 * RFC 8201). */
struct tl_too_big {
    int64_t time_ns; /* capture time of the error since 1970, ns */
    uint32_t frame;  /* of the error */
    uint32_t seq;    /* raw sequence number of the segment that it quotes */
    uint32_t mtu;    /* octets of the largest IP packet that passes; 0 = not said */
    uint8_t from;    /* 0 or 1: the end of the pair that sent the quoted segment */
    bool ipv6;
};

/* Memory. `alloc` returns zeroed memory or NULL; `free` takes what it returned with the bytes asked for, or NULL. The engine
 * survives NULL: tl_*_new return NULL, tl_pair_update returns false, and the segment counts as not seen. */
struct tl_allocator {
    void *(*alloc)(void *context, size_t bytes);
    void (*free)(void *context, void *memory, size_t bytes);
    void *context;
};

/* ---- output ------------------------------------------------------------------------------------------------------------ */

enum { TL_STATE_PATH_MAX = 3 }; /* states that one segment can lead through */

/* One endpoint after the segment. */
struct tl_endpoint_view {
    uint8_t state;                   /* enum tl_state */
    uint8_t confidence;              /* enum tl_confidence of state */
    uint8_t before;                  /* the state before, if the segment changed it, else NONE */
    uint8_t path[TL_STATE_PATH_MAX]; /* the states entered, in order; the last one equals state; NONE = no more */
    uint8_t withdrawn;               /* the expected state that this segment shows not to have come about, or NONE */
};

/* Yes or no, all of tl_shape.flags. */
enum tl_shape_flag {
    TL_SHAPE_MIDSTREAM = 0x0001,      /* the capture started after the connection did */
    TL_SHAPE_COPY = 0x0002,           /* the same packet was captured before: says nothing new */
    TL_SHAPE_STRAY = 0x0004,          /* its numbers fit no connection of this pair; changed nothing */
    TL_SHAPE_TIME_BACKWARDS = 0x0008, /* older than the segment before it in the file */
    TL_SHAPE_REORDERED = 0x0010,      /* SYN captured after the SYN-ACK that answers it */
    TL_SHAPE_PROVES_OUTCOME = 0x0020, /* this segment decides the handshake's outcome: facts say which */
    TL_SHAPE_PROVES_CLOSE = 0x0040,   /* this segment decides kind, initiator and TIME-WAIT side */
    TL_SHAPE_NEW_DATA = 0x0080,       /* carries bytes never captured before */
    TL_SHAPE_SPURIOUS_SHOWS = 0x0100, /* timestamps or SACK would show it if the retransmission was spurious */
    TL_SHAPE_TLP_OR_RTO = 0x0200,     /* a single segment outstanding: tail loss probe and timer look alike */
    TL_SHAPE_NAMES_RUN = 0x0400,      /* this probe shows what all of its run are: kind and confidence, a late fact of them */
    TL_SHAPE_TWO_SOCKETS =
        0x2000, /* the end that opened the newest connection goes on in this one: two share addresses and ports */
    TL_SHAPE_BELOW_PREVIOUS = 0x4000, /* SYN into TIME-WAIT: its numbers do not let it in */
    TL_SHAPE_RST_AFTER_IDLE = 0x1000, /* RST after a silence, or an answer to the segment that ended one: tl_refs.silence_ns */
    TL_SHAPE_WINDOW_LIMITED = 0x0800, /* fills a small window to the last octet, after a wait for more */
};

/* Handshake arithmetic that does not fit (RFC 9293 3.10.7.3, RFC 7323 2.2 and 3.2, RFC 2018 2), bits of tl_shape.error. */
enum tl_handshake_error {
    TL_ERROR_SYNACK_ACK = 0x0001,      /* SYN-ACK does not acknowledge ISN + 1 (and SYN data) */
    TL_ERROR_ACK_ACK = 0x0002,         /* the client's first ACK does not acknowledge the server's ISN + 1 */
    TL_ERROR_ACK_SEQ = 0x0004,         /* the client's first ACK does not continue at its ISN + 1 */
    TL_ERROR_SYNACK_ISN = 0x0008,      /* SYN-ACK repeated with another ISN */
    TL_ERROR_OPT_NOT_OFFERED = 0x0010, /* SYN-ACK carries an option that the SYN did not offer */
    TL_ERROR_OPT_LOST = 0x0020,        /* timestamps were negotiated and are missing later */
    TL_ERROR_WSCALE_RANGE = 0x0040,    /* window scale above 14 */
    TL_ERROR_FLAGS = 0x0080,           /* SYN with FIN or RST, or no flag at all */
    TL_ERROR_SYN_ACK_FIELD = 0x0100,   /* SYN without ACK flag has a non-zero acknowledgment field */
};

/* Evidence about who sent a RST, bits of tl_shape.evidence and tl_rst_now.evidence, in the order of weight: docs/design.md, "Who sent
 * it". X is the end that it names, Y the other, T the segment that it answers. */
enum tl_evidence {
    TL_EVIDENCE_SYNACK_AFTER = 0x00000001,   /* X accepts the SYN that the RST refuses (late) */
    TL_EVIDENCE_GOES_ON = 0x00000002,        /* X acknowledges octets captured after the RST (late) */
    TL_EVIDENCE_GOES_ON_DATA = 0x00000004,   /* X sends new octets after it (late) */
    TL_EVIDENCE_TOO_FAST = 0x00000008,       /* it knows T sooner than X can have had it */
    TL_EVIDENCE_TOO_FAST_IDLE = 0x00000010,  /* the same, after a long silence that T ended */
    TL_EVIDENCE_TTL = 0x00000020,            /* another number of hops, far off */
    TL_EVIDENCE_ID_SHARED = 0x00000040,      /* counts in one row with the IP IDs of RSTs in the names of other hosts */
    TL_EVIDENCE_ECHO_ID = 0x00000080,        /* repeats the IP ID of a segment of Y */
    TL_EVIDENCE_ECHO_DATA = 0x00000100,      /* carries as much payload as T */
    TL_EVIDENCE_GOES_ON_OLD = 0x00000200,    /* X acknowledges more after it, captured before (late) */
    TL_EVIDENCE_SYNACK_LATER = 0x00000400,   /* X accepts the SYN, which came again shortly before (late) */
    TL_EVIDENCE_TOO_FAST_QUIET = 0x00000800, /* as TOO_FAST_IDLE, after a shorter silence */
    TL_EVIDENCE_TTL_NEAR = 0x00001000,       /* another number of hops, not far off, or of few segments */
    TL_EVIDENCE_ID_FOREIGN = 0x00002000,     /* its IP ID is of Y's counter, or of one that only RSTs in X's name share */
    TL_EVIDENCE_TS_ODD = 0x00004000,         /* its TSval does not go on from X's */
    TL_EVIDENCE_SEQ_AHEAD = 0x00008000,      /* a second RST ahead of the first and of everything sent */
    TL_EVIDENCE_ACK_AHEAD = 0x00010000,      /* a second RST that acknowledges what Y never sent */
    TL_EVIDENCE_TOO_FAST_LOOSE = 0x00020000, /* soon after T, but it may answer another segment */
    TL_EVIDENCE_TTL_WEAK = 0x00040000,       /* another TTL: equal hops from another start, or X's TTLs vary */
    TL_EVIDENCE_SIBLING = 0x00080000,        /* TTL of another RST in X's name that a device sent (late) */
    TL_EVIDENCE_NO_TS = 0x00100000,          /* sent as if by a live connection, without the timestamps that were agreed */
    TL_EVIDENCE_IP_ID = 0x00200000,          /* does not continue X's IP ID counter */
    TL_EVIDENCE_BOTH = 0x00400000,           /* RSTs in the names of both ends at once */
    TL_EVIDENCE_ECHO_WINDOW = 0x00800000,    /* repeats the window of T, which X never used */
    TL_EVIDENCE_AS_SYNACK = 0x01000000,      /* TTL of X's SYN-ACK, which the rest of X's segments has not */
    TL_EVIDENCE_TTL_SET = 0x02000000,  /* for X: its program may have set the TTL of its socket, and its system's is another */
    TL_EVIDENCE_TTL_SAME = 0x04000000, /* for X: the TTL of its other segments */
    TL_EVIDENCE_TTL_HOST = 0x08000000, /* for X: the TTL of the host's other connections */
    TL_EVIDENCE_TS_NEXT = 0x10000000,  /* for X: its TSval goes on */
    TL_EVIDENCE_ID_NEXT = 0x20000000,  /* for X: its IP ID is the next one */
    TL_EVIDENCE_IN_TIME = 0x40000000,  /* for X: no sooner than X can answer */
};
/* Bit 31 of enum tl_evidence, for which ISO C has no enumerator: the RST came over more hops than all of X's segments, and nobody on the
 * path is farther than X. */
#define TL_EVIDENCE_TTL_FARTHER UINT32_C(0x80000000)

/* What cannot be told because of how the capture was made, bits of tl_facts.capture. */
enum tl_capture {
    TL_CAPTURE_ASYMMETRIC = 0x01, /* only one direction was captured */
    TL_CAPTURE_LOSSY = 0x02,      /* more than 1 % of the bytes acknowledged were never captured */
    TL_CAPTURE_DOUBLED = 0x04,    /* more than 30 % of the first 20 segments are copies */
    TL_CAPTURE_OFFLOAD = 0x08,    /* segments larger than the path carries: captured before cutting or after joining */
    TL_CAPTURE_BACKWARDS = 0x10,  /* times ran backwards */
    TL_CAPTURE_SNAPPED = 0x80,    /* options were cut off by the snap length */
    TL_CAPTURE_ROUTED = 0x100,    /* copies with another TTL: captured before and behind a router */
    TL_CAPTURE_CLOCKS = 0x200,    /* such a copy of more hops came first: two clocks */
    TL_CAPTURE_MIDSTREAM = 0x400, /* it began before the capture did */
    TL_CAPTURE_LATE = 0x40,       /* one direction is written later than the other */
    TL_CAPTURE_COARSE = 0x20,     /* too much outstanding: back references name the first of several segments */
};

/* What the segment is. Plain small numbers with no padding, so that equal shapes compare equal by memcmp: the shapes of a
 * capture are few, and the user of the engine can store each once. */
struct tl_shape {
    uint32_t evidence;                   /* enum tl_evidence, of a RST, as known at this segment */
    uint16_t flags;                      /* enum tl_shape_flag */
    uint16_t error;                      /* enum tl_handshake_error, of this segment */
    uint16_t attempt;                    /* repetition of a SYN, SYN-ACK or FIN: 0 = first; stops at 65535 */
    uint8_t phase;                       /* enum tl_phase */
    uint8_t sender;                      /* enum tl_sender */
    uint8_t sender_confidence;           /* enum tl_confidence */
    uint8_t client;                      /* which end of the pair is shown as the client: 0 or 1 */
    uint8_t from;                        /* which end sent the segment: 0 or 1 */
    uint8_t reuse;                       /* enum tl_reuse, on SYNs, and on the segment that decides a tentative one */
    uint8_t handshake_step;              /* enum tl_handshake_step */
    uint8_t synack_why;                  /* enum tl_synack_why */
    uint8_t syn_why;                     /* enum tl_syn_why, of a SYN sent again; refs.trigger_in is the frame that shows it */
    uint8_t teardown_step;               /* enum tl_teardown_step */
    uint8_t rst_form;                    /* enum tl_rst_form */
    uint8_t rst_cause;                   /* enum tl_rst_cause */
    uint8_t rst_confidence;              /* enum tl_confidence of rst_cause */
    uint8_t rst_effect;                  /* enum tl_rst_effect, as known at this segment */
    uint8_t rst_stage;                   /* enum tl_rst_stage */
    uint8_t abort_why;                   /* enum tl_abort_why */
    uint8_t origin;                      /* enum tl_origin, of a RST, as known at this segment */
    uint8_t origin_confidence;           /* enum tl_confidence of it */
    uint8_t keepalive;                   /* enum tl_probe_kind */
    uint8_t window_probe;                /* enum tl_probe_kind */
    uint8_t probe_confidence;            /* enum tl_confidence of the two above, or of a challenge ACK */
    uint8_t ack;                         /* enum tl_ack */
    uint8_t segment;                     /* enum tl_segment_kind, of segments that occupy sequence numbers */
    uint8_t retransmission;              /* enum tl_retransmission, why the bytes were sent again */
    uint8_t retransmission_confidence;   /* enum tl_confidence of it */
    uint8_t spurious;                    /* enum tl_spurious, as known at this segment; see tl_refs.proved */
    uint8_t lost_at;                     /* enum tl_lost_at, unless the retransmission proves spurious */
    uint8_t duplicate;                   /* enum tl_duplicate */
    struct tl_endpoint_view endpoint[2]; /* by end of the pair */
};

enum { TL_PROVED_MAX = 4 }; /* retransmissions that one segment can prove spurious and name */

/* Numbers that belong to this one segment; 0 = none. */
struct tl_refs {
    /* Retransmissions that this segment shows to have been spurious: a late fact of those frames. */
    struct {
        uint32_t frame;
        uint32_t spurious; /* enum tl_spurious */
    } proved[TL_PROVED_MAX];
    uint32_t original_in;           /* frame of the first transmission of these bytes that was captured */
    uint32_t previous_in;           /* frame of the previous one */
    uint32_t retransmission_number; /* 1 = first retransmission captured */
    uint32_t new_bytes;             /* of a partial retransmission */
    uint32_t skipped_bytes;         /* hole that the segment leaves below itself */
    uint32_t dupack_number;         /* duplicate ACKs for this number so far */
    uint32_t dupack_first_in;       /* frame of the first of them */
    uint32_t superseded_in;         /* frame of the last segment of the connection whose ports this one's has taken */
    int64_t since_previous_ns;
    int64_t since_original_ns;
    uint32_t trigger_bytes; /* RST: payload of the segment that it answers; cause pmtu: the MTU that the ICMP error names */
    uint32_t
        trigger_in; /* frame of the segment that this one answers (RST, challenge ACK, probe answer), or ICMP error (cause pmtu) */
    uint32_t first_in;         /* frame of the first transmission that this one repeats */
    uint32_t probe_number;     /* running number of the probe in its run, from 1 */
    uint32_t probe_unanswered; /* probes of the run that nothing has answered so far, this one included */
    uint32_t probe_run_in;     /* frame of the first probe of the run */
    uint32_t closed_in;        /* window probe: frame of the segment that closed the window */
    int32_t ack_delta;         /* SYN-ACK with a wrong ACK: its distance from the ISN + 1 expected */
    int64_t reuse_elapsed_ns;  /* SYN that reuses the ports: since the end of the previous connection, ns */
    int64_t probe_idle_ns;     /* first probe of a run: since the last other segment of either end, ns */
    int64_t probe_interval_ns; /* later probe of a run: since the previous one, ns */
    uint32_t disowned_in;      /* frame of a RST in the name of this end that the segment shows to be from somebody else */
    uint32_t revoked_in;       /* frame of a RST that the segment shows to have ended nothing */
    uint32_t refuted_in;       /* frame of a FIN that the segment shows not to be from the end that it names */
    uint32_t linked;           /* first segment of a connection: number + 1 of the one whose SYN has the same numbers */
    /* RST: what was measured of its origin. */
    int64_t silence_ns;      /* before it, or before the segment that it answers, if that is long: TL_SHAPE_RST_AFTER_IDLE */
    int64_t gap_ns;          /* since the segment in gap_in; negative = not known */
    int64_t half_rtt_ns;     /* the least that its sender takes from the capture point, so far; negative = not known */
    uint32_t half_rtt_count; /* samples of that, all connections of the host together; stops at 255 */
    uint32_t gap_in;         /* frame of the segment that it answers or whose octets it acknowledges */
    uint32_t echo_in;        /* frame of the segment whose IP ID it repeats */
    uint8_t usual_ttl;       /* TTL of its sender's other segments that is nearest to its own; 0 = none known */
};

/* The most that one connection can hold, bytes: both records of sent data full, all rings grown (tl_scoreboard.h, tl_recent.h,
 * tl_rexmit.h). One with little outstanding holds about 3 KiB. */
enum { TL_CONN_BYTES_MAX = 224 * 1024 };

struct tl_conn;

struct tl_result {
    struct tl_conn *conn; /* the connection; valid as long as its tracker */
    struct tl_shape shape;
    struct tl_refs refs;
    bool fast_path; /* no rule had anything to say: refs are all 0. Not every segment of which that is true is marked */
};

/* What is known of a connection, as seen at one moment: later segments may add to it (a "late" fact). */
struct tl_facts {
    uint32_t number;              /* running number, from 0 in order of appearance */
    uint32_t incarnation;         /* from 1, for the same addresses and ports */
    uint8_t client;               /* which end of the pair is shown as the client */
    uint8_t opener;               /* enum tl_sender: CLIENT = that end opened it, PEER = both did, UNKNOWN = it did not */
    uint8_t sender_confidence;    /* enum tl_confidence of that */
    uint8_t outcome;              /* enum tl_outcome */
    uint8_t missing;              /* enum tl_missing */
    uint8_t tfo;                  /* enum tl_tfo */
    uint8_t client_rst;           /* enum tl_client_rst */
    uint8_t kind;                 /* enum tl_kind */
    uint8_t kind_confidence;      /* enum tl_confidence */
    uint8_t initiator;            /* enum tl_side */
    uint8_t time_wait;            /* enum tl_side */
    uint8_t reuse;                /* enum tl_reuse of the SYN that opened it */
    uint8_t position;             /* enum tl_position */
    uint8_t verdict;              /* enum tl_verdict */
    uint8_t open_failure;         /* enum tl_open_failure */
    uint8_t scan;                 /* enum tl_scan */
    uint32_t linked;              /* number of the connection whose SYN has the same port and number; UINT32_MAX = none */
    uint8_t rst_cause;            /* enum tl_rst_cause of the RST that ended it; if none did, of the first one captured */
    uint8_t rst_confidence;       /* enum tl_confidence of that */
    uint8_t rst_sender;           /* enum tl_side: whom that RST names as its sender */
    bool opened;                  /* the handshake is over, or was not captured */
    uint8_t icmp_type, icmp_code; /* if outcome is unreachable */
    bool ambiguous;               /* SYN or SYN-ACK was repeated and timestamps do not say which one was answered */
    bool has_isn[2];              /* by end of the pair */
    uint32_t isn[2];
    bool has_fin[2];
    uint32_t fin[2];                             /* sequence number that the FIN occupies */
    uint32_t fin_in[2];                          /* its frame; 0 = not captured */
    uint32_t syn_data;                           /* payload bytes on the client's SYN */
    uint32_t segments[2];                        /* segments captured from each end, copies included */
    uint32_t syn_attempts, synack_attempts;      /* transmissions, copies left out */
    uint32_t syn_in, synack_in, ack_in, icmp_in; /* frames; 0 = not captured */
    uint32_t fin1_in, fin2_in, fin1_ack_in;
    uint32_t rst_in;               /* RST that ended it */
    uint32_t any_rst_in;           /* the RST that rst_cause speaks of */
    uint8_t rst_origin;            /* enum tl_origin of it */
    uint8_t rst_origin_confidence; /* enum tl_confidence of that */
    uint32_t first_in, last_in;    /* first and last segment, in the order of the file */
    uint8_t signature;             /* enum tl_signature */
    uint16_t capture;              /* enum tl_capture */
    uint8_t late_of;               /* enum tl_side: the end whose segments are written later than those of the other */
    int64_t late_ns;               /* by how much, at least; negative = not known that one is */
    uint8_t unheard[2];            /* retransmissions although their ACKs had passed long before; these stop at 255 */
    uint8_t not_taken[2];          /* retransmissions of what had passed beside a receiver that then did not know it */
    uint8_t updates_lost[2];       /* window probes although the other window was open again long before */
    uint8_t sack_fault;            /* enum tl_sack_fault */
    uint8_t path_mtu;              /* enum tl_path_mtu */
    uint8_t path_mtu_confidence;   /* enum tl_confidence of it */
    uint32_t path_mtu_icmp_in;     /* frame of the first ICMP error that quotes a segment as too large; 0 = none */
    uint32_t path_mtu_bytes;       /* the least MTU that such an error names; 0 = none */
    uint32_t path_mtu_lost;        /* black hole: payload of the segment that did not get through */
    int64_t start_ns, last_ns;     /* first and last segment */
    /* Durations in ns; -1 = not known. */
    int64_t server_time_ns;   /* SYN -> SYN-ACK */
    int64_t client_time_ns;   /* SYN-ACK -> ACK */
    int64_t irtt_ns;          /* both together */
    int64_t setup_ns;         /* first SYN -> ACK, repetitions included */
    int64_t delay_by_loss_ns; /* setup - irtt */
    int64_t teardown_ns;      /* first FIN -> last ACK that the close needs */
    int64_t fin_wait_ns;      /* first FIN -> its ACK */
    int64_t close_wait_ns;    /* ACK of the first FIN -> second FIN */
    uint64_t history[2];      /* states of each end, oldest in the highest nibble used, withdrawn ones left out */
};

/* Letters of a Zeek history that are kept. Without repetitions there are 21; a tenfold number of gaps, retransmissions or closed
 * windows adds one. Then "..." where there were more, and the NUL. */
enum { TL_ZEEK_LETTERS_MAX = 47, TL_ZEEK_HISTORY_SIZE = TL_ZEEK_LETTERS_MAX + 3 + 1 };

/* What is known of one RST by now: later segments may have added to it. */
struct tl_rst_now {
    uint32_t evidence;         /* enum tl_evidence */
    uint8_t origin;            /* enum tl_origin */
    uint8_t origin_confidence; /* enum tl_confidence of it */
    uint8_t cause;             /* enum tl_rst_cause */
    uint8_t confidence;        /* enum tl_confidence of it */
    uint8_t effect;            /* enum tl_rst_effect */
};

/* What is known of one end of a connection by now. */
struct tl_end_facts {
    int64_t half_rtt_ns; /* least time from the capture point to it and back; -1 = never measured */
    uint32_t window_max; /* largest window that it advertised, bytes, scaled where the scale is known */
    uint16_t options;    /* enum tl_option of its SYN or SYN-ACK; 0 also when that was not captured */
    uint16_t mss;        /* that it asks for; 0 = not known */
    uint8_t scale;       /* if TL_OPT_WINDOW_SCALE */
};

/* What Zeek would write of a connection into its conn.log (docs/zeek.md). */
struct tl_zeek_words {
    uint8_t conn_state; /* enum tl_zeek_state */
    uint8_t originator; /* end of the pair */
    char history[TL_ZEEK_HISTORY_SIZE];
};

/* ---- functions --------------------------------------------------------------------------------------------------------- */

struct tl_tracker;
struct tl_pair;

/* to - from, ns; at the limits of int64_t when it does not fit: captures may hold any time. */
int64_t tl_ns_between(int64_t from, int64_t to);

/* A tracker numbers the connections of one capture. The allocator is copied. NULL when out of memory. */
struct tl_tracker *tl_tracker_new(const struct tl_allocator *allocator);

/* Frees the tracker itself; free its pairs first. NULL is allowed. */
void tl_tracker_free(struct tl_tracker *tracker);

/* Says whether connections that begin from now on are also followed as Zeek sees them, for tl_conn_zeek(). Off at first: it
 * takes time with each segment, and memory for each connection that gets further than a plain SYN and SYN-ACK. */
void tl_tracker_view_zeek(struct tl_tracker *tracker, bool follow);

/* A pair holds the connections between two addresses and ports. NULL when out of memory. */
struct tl_pair *tl_pair_new(struct tl_tracker *tracker, const struct tl_endpoints *ends);

/* Frees the pair and its connections, and with them every tl_verdict.conn that it gave out. NULL is allowed. */
void tl_pair_free(struct tl_pair *pair);

/* Classifies one segment and learns from it. Segments must come in capture order. Writes the whole verdict. Returns false,
 * with nothing learnt, only when memory for a new connection ran out. O(1) amortised. */
bool tl_pair_update(struct tl_pair *pair, const struct tl_segment *segment, struct tl_result *result);

/* Tells that an ICMP error quoted a SYN with this sequence number sent by end `from`: its outcome is unreachable unless TCP
 * itself answers. Ignored when no such SYN is waiting. O(1). */
void tl_pair_unreachable(struct tl_pair *pair, unsigned from, uint32_t seq, unsigned type, unsigned code, uint32_t frame);

/* Tells of an ICMP error. Ignored unless it quotes a segment that was captured, is not acknowledged, and is larger than the MTU named.
 * O(log n). */
void tl_pair_too_big(struct tl_pair *pair, const struct tl_too_big *error);

/* What is known of a connection by now. `end_ns` is the time of the last frame of the capture so far; it decides between
 * pending and unanswered. O(1). */
void tl_conn_facts(const struct tl_conn *conn, int64_t end_ns, struct tl_facts *facts);

/* What is known by now of the RST of this frame and shape; `seg` is as it was given to tl_pair_update, of which frame, from and ttl
 * are read. O(TL_RECENT_MAX). */
void tl_conn_rst(const struct tl_conn *conn, const struct tl_segment *seg, const struct tl_shape *shape,
                 struct tl_rst_now *now);

/* The ends of a connection, as tl_pair_new() was told. O(1). */
const struct tl_endpoints *tl_conn_ends(const struct tl_conn *conn);

/* What Zeek would write of the connection by now. False, with `words` all zero, when it is not followed from its first segment
 * on: the tracker was not asked to, or memory ran out. O(1). */
bool tl_conn_zeek(const struct tl_conn *conn, struct tl_zeek_words *words);

/* Frame of the newest segment of one end; 0 = none was captured. O(1). */
uint32_t tl_conn_heard_in(const struct tl_conn *conn, unsigned end);

/* Whether all bytes of one end that the other has acknowledged were captured, perhaps after that. O(1). */
bool tl_conn_saw_all(const struct tl_conn *conn, unsigned end);

/* The newest connection of the pair; NULL before its first segment. O(1). */
const struct tl_conn *tl_pair_newest(const struct tl_pair *pair);

/* What is known of one end, 0 or 1. O(1). */
void tl_conn_end(const struct tl_conn *conn, unsigned end, struct tl_end_facts *facts);

/* Frame of the RST that tl_facts.rst_cause speaks of, by now; 0 = none. O(1). */
uint32_t tl_conn_rst_in(const struct tl_conn *conn);

/* From the end of the connection before, on the same addresses and ports, to the SYN that opened this one, ns; -1 = there was none. O(1). */
int64_t tl_conn_reuse_elapsed(const struct tl_conn *conn);

/* Running number of a connection, from 0. O(1). */
uint32_t tl_conn_number(const struct tl_conn *conn);

#endif
