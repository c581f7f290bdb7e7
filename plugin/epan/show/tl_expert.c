/* tl_expert.c - registers the expert items and picks the one for a segment: the gravest that applies.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "show/tl_expert.h"

#include <string.h>

#include <epan/column-info.h>
#include <epan/expert.h>
#include <epan/tap.h>
#include <epan/wmem_scopes.h>

enum source {
#define TL_EXPERT_SOURCE(source, group, prefix, label) source,
#include "show/tl_expert.def"
    SOURCE_COUNT
};

enum {
    WORST = PI_WARN, /* no item of ours is worse: see expert_make_item() */
    VALUES_MAX = 40, /* more than the longest group of tl_names.def has rows */
    ITEMS_MAX = SOURCE_COUNT * VALUES_MAX,
};

/* One answer of the engine, ready to be compared. */
struct candidate {
    enum source source;
    unsigned value;
};

static const struct {
    enum tl_group group;
    const char *prefix;
    const char *label;
} sources[SOURCE_COUNT] = {
#define TL_EXPERT_SOURCE(source, group, prefix, label) {TL_GROUP_##group, prefix, label},
#include "show/tl_expert.def"
};

/* The bits of enum tl_handshake_error as a group like those of tl_names.def; value i + 1 is row i. */
static const struct tl_name errors[] = {
    {.value = NULL},
#define TL_ERROR_ROW(bit, word, label, severity, group, source, meaning)                                                       \
    {word, label, source, meaning, TL_SEVERITY_##severity, TL_EXPERT_##group},
#include "show/tl_errors.def"
};

static const uint16_t error_bits[] = {
    0,
#define TL_ERROR_ROW(bit, word, label, severity, group, source, meaning) TL_ERROR_##bit,
#include "show/tl_errors.def"
};

struct tl_expert_item {
    expert_field id;
    int severity; /* PI_CHAT ... */
};

static struct tl_expert_item items[SOURCE_COUNT][VALUES_MAX];
static int expert_tap;

/* ---- registration ------------------------------------------------------------------------------------------------------ */

static unsigned expert_source_count(enum source source)
{
    return source == ERROR ? G_N_ELEMENTS(errors) : tl_group_names(sources[source].group)->count;
}

static const struct tl_name *expert_source_name(enum source source, unsigned value)
{
    return source == ERROR ? &errors[value] : tl_name(sources[source].group, value);
}

static ei_register_info expert_make_item(enum source source, const struct tl_name *name, expert_field *ids)
{
    static const int severities[] = {[TL_SEVERITY_CHAT] = PI_CHAT, [TL_SEVERITY_NOTE] = PI_NOTE, [TL_SEVERITY_WARN] = PI_WARN};
    static const int groups[] = {[TL_EXPERT_SEQUENCE] = PI_SEQUENCE,
                                 [TL_EXPERT_PROTOCOL] = PI_PROTOCOL,
                                 [TL_EXPERT_ASSUMPTION] = PI_ASSUMPTION,
                                 [TL_EXPERT_SECURITY] = PI_SECURITY};
    wmem_allocator_t *scope = wmem_epan_scope();
    char *filter = wmem_strdup_printf(scope, "tcplife.expert.%s%s", sources[source].prefix, name->value);
    char *text = wmem_strdup_printf(scope, "%s%s. %s", sources[source].label, name->label, name->meaning);

    /* Where nothing stands before the label, the label begins the sentence. */
    text[0] = g_ascii_toupper(text[0]);
    return (ei_register_info){ids, {filter, groups[name->expert_group], severities[name->severity], text, EXPFILL}};
}

/* The tap is registered after all protocols, so it can only be found when a file is opened. */
static void expert_find_tap(void)
{
    expert_tap = find_tap_id("expert");
}

void tl_expert_register(int protocol)
{
    static ei_register_info info[ITEMS_MAX];
    static const expert_field unset = EI_INIT;
    int count = 0;

    for (enum source source = 0; source < SOURCE_COUNT; source++) {
        for (unsigned value = 1; value < MIN(expert_source_count(source), VALUES_MAX); value++) {
            const struct tl_name *name = expert_source_name(source, value);

            if (name->severity == TL_SEVERITY_NONE)
                continue;
            items[source][value].id = unset;
            info[count] = expert_make_item(source, name, &items[source][value].id);
            items[source][value].severity = info[count++].eiinfo.severity;
        }
    }
    expert_register_field_array(expert_register_protocol(protocol), info, count);
    register_init_routine(expert_find_tap);
}

/* ---- choice ------------------------------------------------------------------------------------------------------------ */

/* The outcome is one event of a connection, so it is an expert item on one segment only: the one that proves it, or, when it is
 * the absence of an answer or came by ICMP, the first SYN (the first SYN-ACK if no SYN was captured). */
static unsigned expert_outcome_value(const struct tl_view *view)
{
    const struct tl_facts *facts = &view->facts;
    uint32_t first = facts->syn_in ? facts->syn_in : facts->synack_in;

    if (view->result->shape.flags & TL_SHAPE_PROVES_OUTCOME)
        return facts->outcome;
    if (!view->visited || first != view->segment->frame)
        return TL_OUTCOME_NONE;
    if (facts->outcome == TL_OUTCOME_UNANSWERED || facts->outcome == TL_OUTCOME_HALF_OPEN ||
        facts->outcome == TL_OUTCOME_UNREACHABLE)
        return facts->outcome;
    return TL_OUTCOME_NONE;
}

static unsigned expert_error_value(uint16_t error)
{
    for (unsigned i = 1; error && i < G_N_ELEMENTS(error_bits); i++) {
        if (error & error_bits[i])
            return i;
    }
    return 0;
}

struct tl_expert_item *tl_expert_pick(const struct tl_view *view)
{
    const struct tl_shape *shape = &view->result->shape;
    const struct candidate candidates[] = {
        {ORIGIN, view->rst.origin_confidence == TL_CONFIDENCE_GUESS ? TL_ORIGIN_NONE : view->rst.origin},
        {RST, view->rst.cause},
        {OUTCOME, expert_outcome_value(view)},
        {TFO, view->facts.synack_in == view->segment->frame ? view->facts.tfo : TL_TFO_NONE},
        {ERROR, expert_error_value(shape->error)},
        {TEARDOWN, shape->teardown_step},
        {KEEPALIVE, view->keepalive},
        {WINDOW_PROBE, view->window_probe},
        {HANDSHAKE, shape->handshake_step},
        {RETRANSMISSION, shape->retransmission},
        {SPURIOUS, view->spurious},
        {SEGMENT, shape->segment},
        {ACK, view->ack},
        {REUSE, shape->reuse},
    };
    struct tl_expert_item *best = NULL;
    enum tl_severity severity = TL_SEVERITY_NONE;

    for (size_t i = 0; i < G_N_ELEMENTS(candidates); i++) {
        const struct candidate *c = &candidates[i];

        if (c->value == 0 || c->value >= MIN(expert_source_count(c->source), VALUES_MAX))
            continue;
        if (expert_source_name(c->source, c->value)->severity > severity) {
            severity = expert_source_name(c->source, c->value)->severity;
            best = &items[c->source][c->value];
        }
    }
    return best;
}

/* ---- adding ------------------------------------------------------------------------------------------------------------ */

/* Whether an item of this severity has any effect: shown, counted, or the worst so far, which the status bar of the GUI shows. */
static bool expert_is_wanted(int severity, const packet_info *pinfo, const proto_tree *tree)
{
    return tree || severity > expert_get_highest_severity() || have_tap_listener(expert_tap) ||
           (pinfo->cinfo && pinfo->cinfo->col_first[COL_EXPERT] >= 0);
}

bool tl_expert_wanted(const struct tl_expert_item *item, const packet_info *pinfo, const proto_tree *tree)
{
    return expert_is_wanted(item->severity, pinfo, tree);
}

bool tl_expert_is_step(const struct tl_expert_item *item)
{
    return item->severity == PI_CHAT;
}

bool tl_expert_any_wanted(const packet_info *pinfo, const proto_tree *tree)
{
    return expert_is_wanted(WORST, pinfo, tree);
}

void tl_expert_add(struct tl_expert_item *item, packet_info *pinfo, proto_item *top)
{
    const char *saved = pinfo->current_proto;

    /* The list of expert items names the protocol that is being dissected; after the frame that is "Frame". */
    pinfo->current_proto = "TCP Lifecycle";
    expert_add_info(pinfo, top, &item->id);
    pinfo->current_proto = saved;
}
