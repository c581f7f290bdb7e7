/* tl_facts.c - what is known of a connection by now, for whoever shows it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "conn/tl_conn.h"
#include "rules/tl_close.h"
#include "rules/tl_origin.h"
#include "rules/tl_outcome.h"
#include "rules/tl_path_mtu.h"
#include "rules/tl_sack_fault.h"
#include "rules/tl_signature.h"
#include "views/tl_verdict.h"

#include <string.h>

/* Shares of the initial round trip that place the capture point (docs/design.md, thresholds). */
enum { NEAR_PERCENT = 10 };
/* Position of the capture point. */
static const int64_t LOCAL_NS = TL_MS / 5;

static enum tl_position facts_position_of(const struct tl_facts *facts)
{
    if (facts->irtt_ns < 0 || facts->ambiguous) {
        return TL_POSITION_UNKNOWN;
    }
    if (facts->irtt_ns < LOCAL_NS) {
        return TL_POSITION_LOCAL;
    }
    if (facts->server_time_ns < facts->irtt_ns / 100 * NEAR_PERCENT) {
        return TL_POSITION_NEAR_SERVER;
    }
    return facts->client_time_ns < facts->irtt_ns / 100 * NEAR_PERCENT ? TL_POSITION_NEAR_CLIENT : TL_POSITION_MIDDLE;
}

static enum tl_missing facts_missing_of(const struct tl_conn *conn)
{
    if (tl_syns(&conn->endpoint[conn->client])->count == 0) {
        return TL_MISSING_SYN;
    }
    return tl_synacks(&conn->endpoint[1 - conn->client])->count == 0 ? TL_MISSING_SYNACK : TL_MISSING_ACK;
}

/* a - b when both are known, else unknown. Never below 0: the clock may have run backwards. */
static int64_t facts_between(int64_t a, int64_t b)
{
    if (a == TL_UNKNOWN_NS || b == TL_UNKNOWN_NS) {
        return TL_UNKNOWN_NS;
    }
    return a > b ? a - b : 0;
}

static void facts_write_opening(const struct tl_conn *conn, int64_t end_ns, struct tl_facts *facts)
{
    const struct tl_endpoint *client = &conn->endpoint[conn->client], *server = &conn->endpoint[1 - conn->client];

    facts->outcome = (uint8_t)tl_outcome_at(conn, end_ns);
    facts->missing = facts->outcome == TL_OUTCOME_COMPLETE_INFERRED ? (uint8_t)facts_missing_of(conn) : TL_MISSING_NONE;
    facts->tfo = conn->opening.tfo;
    facts->client_rst = facts->outcome == TL_OUTCOME_CLIENT_RST ? conn->client_rst : TL_CLIENT_RST_NONE;
    facts->syn_data = conn->opening.syn_data;
    facts->syn_attempts = tl_syns(client)->count;
    facts->synack_attempts = tl_synacks(server)->count;
    facts->syn_in = tl_syns(client)->first_in;
    facts->synack_in = tl_synacks(server)->first_in;
    facts->ack_in = conn->opening.ack_in;
    facts->icmp_in = conn->opening.icmp_in;
    facts->icmp_type = conn->opening.icmp_type;
    facts->icmp_code = conn->opening.icmp_code;
    facts->server_time_ns = conn->opening.server_half_rtt_ns;
    facts->client_time_ns = conn->opening.client_half_rtt_ns;
    facts->irtt_ns = facts->setup_ns = facts->delay_by_loss_ns = TL_UNKNOWN_NS;
    if (conn->opening.server_half_rtt_ns != TL_UNKNOWN_NS && conn->opening.client_half_rtt_ns != TL_UNKNOWN_NS) {
        facts->irtt_ns = conn->opening.server_half_rtt_ns + conn->opening.client_half_rtt_ns;
    }
    if (tl_syns(client)->count > 0 && conn->opening.ack_in != 0) {
        facts->setup_ns = facts_between(conn->opening.ack_ns, tl_syns(client)->first_ns);
    }
    if (facts->irtt_ns >= 0 && facts->setup_ns >= 0) {
        facts->delay_by_loss_ns = facts_between(facts->setup_ns, facts->irtt_ns);
    }
    facts->ambiguous = conn->opening.ambiguous;
    facts->position = (uint8_t)facts_position_of(facts);
}

static void facts_write_path(const struct tl_conn *conn, struct tl_facts *facts)
{
    struct tl_path_mtu_now now;

    tl_path_mtu_now(conn, &now);
    facts->path_mtu = now.kind;
    facts->path_mtu_confidence = now.confidence;
    facts->path_mtu_icmp_in = now.icmp_in;
    facts->path_mtu_bytes = now.mtu;
    facts->path_mtu_lost = now.lost;
}

static void facts_write_closing(const struct tl_conn *conn, struct tl_facts *facts)
{
    const struct tl_endpoint *first = conn->closing.closer == TL_NO_ENDPOINT ? NULL : &conn->endpoint[conn->closing.closer];
    const struct tl_endpoint *second =
        conn->closing.closer == TL_NO_ENDPOINT ? NULL : &conn->endpoint[1 - conn->closing.closer];
    struct tl_rst_now now;
    bool proved;

    facts->kind = (uint8_t)tl_close_kind(conn, &proved);
    facts->kind_confidence = (uint8_t)tl_close_kind_confidence(conn);
    facts->initiator = (uint8_t)tl_close_initiator(conn);
    facts->time_wait = (uint8_t)tl_close_time_wait(conn);
    facts->rst_in = conn->reset.in;
    facts->any_rst_in = conn->reset.any.frame;
    if (conn->reset.any.frame != 0) {
        tl_origin_by_now(conn, &conn->reset.any, &now);
        facts->rst_cause = now.cause;
        facts->rst_confidence = now.confidence;
        facts->rst_origin = now.origin;
        facts->rst_origin_confidence = now.origin_confidence;
        facts->rst_sender = (uint8_t)tl_close_side(conn, conn->reset.any.end);
    }
    facts->teardown_ns = facts->fin_wait_ns = facts->close_wait_ns = TL_UNKNOWN_NS;
    if (!first) {
        return;
    }
    facts->fin1_in = first->fin_in;
    facts->fin1_ack_in = first->finack_in;
    facts->fin2_in = second->fin_in;
    facts->fin_wait_ns = facts_between(conn->closing.fin1ack_ns, first->fin_ns);
    if (second->has_fin && !conn->closing.crossed) {
        facts->close_wait_ns = facts_between(second->fin_ns, conn->closing.fin1ack_ns);
    }
    if (conn->finished) {
        facts->teardown_ns = facts_between(conn->finish_ns, first->fin_ns);
    }
}

/* What the capture cannot tell (docs/design.md, "Honesty about the capture"). */
static unsigned facts_capture_of(const struct tl_conn *conn)
{
    /* Asymmetric; doubled, lossy. */
    enum { ENOUGH = 16, FIRST_SEGMENTS = 20, DOUBLED_PERCENT = 30, LOSSY_PERCENT = 1 };
    const struct tl_endpoint *a = &conn->endpoint[0], *b = &conn->endpoint[1];
    uint64_t seen = a->seen_bytes + b->seen_bytes, unseen = a->unseen_bytes + b->unseen_bytes;
    uint64_t with_syn = conn->opening.syn_data; /* of Fast Open: captured, but not in the record of what was sent */
    uint32_t segments = a->segments + b->segments;
    uint32_t first = segments < FIRST_SEGMENTS ? segments : FIRST_SEGMENTS;
    unsigned capture = a->capture | b->capture;

    if ((a->segments >= ENOUGH && b->segments == 0) || (b->segments >= ENOUGH && a->segments == 0)) {
        capture |= TL_CAPTURE_ASYMMETRIC;
    }
    unseen -= unseen < with_syn ? unseen : with_syn;
    if (unseen * 100 > (seen + unseen) * LOSSY_PERCENT && a->segments > 0 && b->segments > 0) {
        capture |= TL_CAPTURE_LOSSY;
    }
    if ((uint32_t)(a->copies + b->copies) * 100 > first * DOUBLED_PERCENT) {
        capture |= TL_CAPTURE_DOUBLED;
    }
    return capture | (conn->midstream ? TL_CAPTURE_MIDSTREAM : 0);
}

/* Which direction is written later than the other, and by how much. */
static void facts_write_capture(const struct tl_conn *conn, struct tl_facts *facts)
{
    const struct tl_endpoint *client = &conn->endpoint[conn->client], *server = &conn->endpoint[1 - conn->client];
    bool of_client = client->capture & TL_CAPTURE_LATE, of_server = server->capture & TL_CAPTURE_LATE;
    int64_t late_ns = tl_max_ns(client->late_ns, server->late_ns);

    facts->capture = (uint16_t)facts_capture_of(conn);
    facts->late_of = of_client && of_server ? TL_SIDE_BOTH
                     : of_client            ? TL_SIDE_CLIENT
                     : of_server            ? TL_SIDE_SERVER
                                            : TL_SIDE_NONE;
    facts->late_ns = late_ns > 0 ? late_ns : TL_UNKNOWN_NS;
}

static void facts_write_troubles(const struct tl_conn *conn, struct tl_facts *facts)
{
    facts->sack_fault = (uint8_t)tl_sack_fault_now(conn);
    for (unsigned i = 0; i < 2; i++) {
        facts->unheard[i] = conn->endpoint[i].unheard;
        facts->not_taken[i] = conn->endpoint[i].not_taken;
        facts->updates_lost[i] = conn->endpoint[i].updates_lost;
    }
}

/* A tentative connection was rejected when its predecessor went on, or when it was challenged and did not answer by RST. */
static enum tl_reuse facts_reuse_of(const struct tl_conn *conn, int64_t end_ns)
{
    const struct tl_conn *previous = conn->previous;
    /* share facts_reuse_of: 1 s; the old connection went on, or the new one gave up */
    bool goes_on = previous && previous->last_ns > conn->start_ns + TL_SECOND;
    bool gave_up = conn->opening.has_challenge && end_ns > conn->last_ns + TL_SECOND;

    if (!conn->tentative || conn->reuse != TL_REUSE_SUPERSEDE) {
        return (enum tl_reuse)conn->reuse;
    }
    if (tl_rsts(&conn->endpoint[0])->count + tl_rsts(&conn->endpoint[1])->count > 0) {
        return TL_REUSE_TENTATIVE;
    }
    return goes_on || gave_up ? TL_REUSE_REJECTED : TL_REUSE_TENTATIVE;
}

void tl_conn_facts(const struct tl_conn *conn, int64_t end_ns, struct tl_facts *facts)
{
    unsigned i;

    end_ns = tl_pair_time(conn->pair, end_ns);
    memset(facts, 0, sizeof *facts);
    facts->number = conn->number;
    facts->incarnation = conn->incarnation;
    facts->linked = conn->linked - 1; /* 0, none, becomes UINT32_MAX */
    facts->client = conn->client;
    facts->opener = conn->peers ? TL_SENDER_PEER : conn->roles_refuted ? TL_SENDER_UNKNOWN : TL_SENDER_CLIENT;
    facts->sender_confidence = conn->sender_confidence;
    facts->reuse = (uint8_t)facts_reuse_of(conn, end_ns);
    facts->opened = conn->opened;
    facts->first_in = conn->first_in;
    facts->last_in = conn->last_in;
    facts->start_ns = tl_ns_between(-conn->start_ns, conn->base_ns);
    facts->last_ns = tl_ns_between(-conn->last_ns, conn->base_ns);
    for (i = 0; i < 2; i++) {
        facts->has_isn[i] = conn->endpoint[i].has_isn;
        facts->isn[i] = conn->endpoint[i].isn;
        facts->has_fin[i] = conn->endpoint[i].has_fin;
        facts->fin[i] = conn->endpoint[i].fin;
        facts->fin_in[i] = conn->endpoint[i].fin_in;
        facts->segments[i] = conn->endpoint[i].segments;
        facts->history[i] = conn->endpoint[i].fsm.history;
    }
    facts->signature = (uint8_t)tl_signature_of(conn, end_ns);
    facts_write_capture(conn, facts);
    facts_write_troubles(conn, facts);
    facts_write_opening(conn, end_ns, facts);
    facts_write_closing(conn, facts);
    facts_write_path(conn, facts);
    tl_verdict(conn, facts);
}

const struct tl_endpoints *tl_conn_ends(const struct tl_conn *conn)
{
    return &conn->pair->ends;
}

void tl_conn_end(const struct tl_conn *conn, unsigned end, struct tl_end_facts *facts)
{
    const struct tl_endpoint *e = &conn->endpoint[end & 1];

    *facts = (struct tl_end_facts){
        .half_rtt_ns = e->half_rtt_ns, .window_max = e->max_window, .options = e->options, .mss = e->mss, .scale = e->scale};
}

uint32_t tl_conn_rst_in(const struct tl_conn *conn)
{
    return conn->reset.any.frame;
}

int64_t tl_conn_reuse_elapsed(const struct tl_conn *conn)
{
    return conn->reuse == TL_REUSE_NONE ? TL_UNKNOWN_NS : conn->reuse_elapsed_ns;
}

uint32_t tl_conn_number(const struct tl_conn *conn)
{
    return conn->number;
}

uint32_t tl_conn_heard_in(const struct tl_conn *conn, unsigned end)
{
    const struct tl_recent_entry *newest = tl_recent_at(&conn->endpoint[end & 1].recent, 0);

    return newest ? newest->frame : 0;
}

bool tl_conn_saw_all(const struct tl_conn *conn, unsigned end)
{
    return conn->endpoint[end & 1].unseen_bytes == 0;
}
