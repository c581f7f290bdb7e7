/* tl_parse.c - reads a TCP header (RFC 9293 3.1) and its options: MSS and window scale (RFC 7323), SACK (RFC 2018), timestamps,
 * Fast Open (RFC 7413), MPTCP (RFC 8684). Any bytes are accepted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "input/tl_parse.h"

/* Option kinds, from the IANA registry "TCP Option Kind Numbers". */
enum {
    OPT_END = 0,
    OPT_NOP = 1,
    OPT_MSS = 2,
    OPT_WINDOW_SCALE = 3,
    OPT_SACK_PERMITTED = 4,
    OPT_SACK = 5,
    OPT_TIMESTAMPS = 8,
    OPT_MPTCP = 30,
    OPT_FAST_OPEN = 34,
    OPT_EXPERIMENT_1 = 253,
    OPT_EXPERIMENT_2 = 254,
};

enum {
    FAST_OPEN_EXPERIMENT = 0xF989, /* experiment identifier of Fast Open before it had a kind (RFC 6994, RFC 7413 4.1.1) */
    MPTCP_SUBTYPE_RST = 8,         /* MP_TCPRST (RFC 8684 3.6) */
};

/* One option: `data` points at its kind, `size` counts kind and length too and is at least 2. */
struct option {
    const uint8_t *data;
    size_t size;
};

/* Each reader returns false when the option's length is not one that its RFC allows. */

static bool parse_read_mss(const struct option *option, struct tl_segment *segment)
{
    if (option->size != 4)
        return false;
    segment->mss = tl_get16(option->data + 2);
    segment->options |= TL_OPT_MSS;
    return true;
}

static bool parse_read_window_scale(const struct option *option, struct tl_segment *segment)
{
    if (option->size != 3)
        return false;
    segment->window_scale = option->data[2];
    segment->options |= TL_OPT_WINDOW_SCALE;
    return true;
}

static bool parse_read_sack_permitted(const struct option *option, struct tl_segment *segment)
{
    if (option->size != 2)
        return false;
    segment->options |= TL_OPT_SACK_PERMITTED;
    return true;
}

static bool parse_read_sack(const struct option *option, struct tl_segment *segment)
{
    size_t count = (option->size - 2) / 8;

    if (option->size != 2 + 8 * count || count == 0 || count > TL_SACK_BLOCKS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        segment->sack[i][0] = tl_get32(option->data + 2 + 8 * i);
        segment->sack[i][1] = tl_get32(option->data + 6 + 8 * i);
    }
    segment->sack_count = (uint8_t)count;
    segment->options |= TL_OPT_SACK;
    return true;
}

static bool parse_read_timestamps(const struct option *option, struct tl_segment *segment)
{
    if (option->size != 10)
        return false;
    segment->tsval = tl_get32(option->data + 2);
    segment->tsecr = tl_get32(option->data + 6);
    segment->options |= TL_OPT_TIMESTAMPS;
    return true;
}

static bool parse_read_mptcp(const struct option *option, struct tl_segment *segment)
{
    if (option->size < 3)
        return false;
    segment->options |= TL_OPT_MPTCP;
    if (option->data[2] >> 4 == MPTCP_SUBTYPE_RST && option->size >= 4) {
        segment->mptcp_rst_reason = option->data[3];
        segment->options |= TL_OPT_MPTCP_RST;
    }
    return true;
}

static bool parse_read_fast_open(const struct option *option, struct tl_segment *segment)
{
    segment->fast_open_bytes = (uint8_t)(option->size - 2);
    segment->options |= TL_OPT_FAST_OPEN;
    return true;
}

static bool parse_read_experiment(const struct option *option, struct tl_segment *segment)
{
    if (option->size >= 4 && tl_get16(option->data + 2) == FAST_OPEN_EXPERIMENT) {
        segment->fast_open_bytes = (uint8_t)(option->size - 4);
        segment->options |= TL_OPT_FAST_OPEN;
    }
    return true;
}

static bool parse_read_option(const struct option *option, struct tl_segment *segment)
{
    switch (option->data[0]) {
    case OPT_MSS:
        return parse_read_mss(option, segment);
    case OPT_WINDOW_SCALE:
        return parse_read_window_scale(option, segment);
    case OPT_SACK_PERMITTED:
        return parse_read_sack_permitted(option, segment);
    case OPT_SACK:
        return parse_read_sack(option, segment);
    case OPT_TIMESTAMPS:
        return parse_read_timestamps(option, segment);
    case OPT_MPTCP:
        return parse_read_mptcp(option, segment);
    case OPT_FAST_OPEN:
        return parse_read_fast_open(option, segment);
    case OPT_EXPERIMENT_1:
    case OPT_EXPERIMENT_2:
        return parse_read_experiment(option, segment);
    default:
        return true;
    }
}

/* Whether the options are by far the commonest list: NOP, NOP, timestamps (RFC 7323 appendix A). */
static bool parse_is_plain_timestamps(const uint8_t *options, size_t size)
{
    return size == 12 && options[0] == OPT_NOP && options[1] == OPT_NOP && options[2] == OPT_TIMESTAMPS && options[3] == 10;
}

/* Reads the options in `size` bytes. An option of a wrong length is skipped; one that runs over the end stops the reading. */
static void parse_read_options(const uint8_t *options, size_t size, struct tl_segment *segment)
{
    size_t at = 0;

    if (parse_is_plain_timestamps(options, size)) {
        parse_read_timestamps(&(struct option){options + 2, 10}, segment);
        return;
    }
    while (at < size && options[at] != OPT_END) {
        struct option option = {options + at, 0};

        if (options[at] == OPT_NOP) {
            at++;
            continue;
        }
        option.size = at + 1 < size ? options[at + 1] : 0;
        if (option.size < 2 || option.size > size - at) {
            segment->options |= TL_OPT_BROKEN;
            return;
        }
        if (!parse_read_option(&option, segment))
            segment->options |= TL_OPT_BROKEN;
        at += option.size;
    }
}

bool tl_parse_header(const uint8_t *bytes, size_t captured, size_t reported, struct tl_segment *segment)
{
    size_t size;

    if (captured < TL_HEADER_NEEDED)
        return false;
    size = (size_t)(bytes[12] >> 4) * 4;
    if (size < TL_HEADER_MIN || size > reported)
        return false;

    segment->seq = tl_get32(bytes + 4);
    segment->ack = tl_get32(bytes + 8);
    segment->flags = bytes[13];
    segment->window = tl_get16(bytes + 14);
    segment->len = (uint32_t)(reported - size);
    if (captured >= 18)
        segment->checksum = tl_get16(bytes + 16);
    if (captured < size)
        segment->options |= TL_OPT_BROKEN | TL_OPT_CUT;
    if (size > TL_HEADER_MIN && captured > TL_HEADER_MIN)
        parse_read_options(bytes + TL_HEADER_MIN, (captured < size ? captured : size) - TL_HEADER_MIN, segment);
    if (segment->len > 0 && captured > size) {
        segment->first_octet = bytes[size];
        segment->has_octet = true;
    }
    if (segment->len > 0 && captured >= reported) {
        segment->last_octet = bytes[reported - 1];
        segment->has_last_octet = true;
    }
    return true;
}
