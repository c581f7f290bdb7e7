/* case_parse.c - reads a .case file.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar has three kinds of line, and behind the fixed words of a line everything comes in pairs `name value`. The
 * Python test reads the same files with its own parser: keep both as simple as they are.
 */
#include "case_parse.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 64, ADDRESS_BYTES = 16, DEFAULT_WINDOW = 64240, DEFAULT_TTL = 64, BEGIN_BYTES = 200 };

static const int64_t CAPTURE_STARTS_NS = INT64_C(1700000000) * 1000000000;
static const char SPACE[] = " \t\r";

/* What the directives have set so far, by letter: 0 = A, 1 = B. */
struct parser {
    const char *path;
    unsigned line;
    struct case_file *file;
    unsigned capacity;
    uint32_t frame;
    bool ipv6;
    bool no_id; /* IP IDs are 0 unless a segment names one */
    uint8_t address[2][ADDRESS_BYTES];
    uint16_t port[2];
    uint32_t isn[2];
    uint16_t ip_id[2]; /* of the last segment */
    uint8_t end[2];    /* end of the pair behind each letter */
};

static bool fail(const struct parser *parser, const char *what, const char *word)
{
    fprintf(stderr, "%s:%u: %s%s%s\n", parser->path, parser->line, what, word ? ": " : "", word ? word : "");
    return false;
}

/* ---- directives -------------------------------------------------------------------------------------------------------- */

static bool is_service(uint16_t port)
{
    return port < 1024;
}

/* End 0 of a pair is the one with the lower address, then port (tl.h). */
static void order_ends(struct parser *parser)
{
    int order = memcmp(parser->address[0], parser->address[1], ADDRESS_BYTES);

    if (order == 0)
        order = (int)parser->port[0] - (int)parser->port[1];
    parser->end[0] = order > 0;
    parser->end[1] = !parser->end[0];
    for (unsigned letter = 0; letter < 2; letter++) {
        parser->file->ends.host[parser->end[letter]] = letter + 1u;
        parser->file->ends.port[parser->end[letter]] = parser->port[letter];
        parser->file->ends.is_service[parser->end[letter]] = is_service(parser->port[letter]);
    }
}

static bool parse_letter(const struct parser *parser, const char *word, unsigned *letter)
{
    if (strcmp(word, "A") != 0 && strcmp(word, "B") != 0)
        return fail(parser, "not A or B", word);
    *letter = word[0] == 'B';
    return true;
}

/* host A 10.0.0.1:40000, or host A [fd00::1]:40000 */
static bool parse_host(struct parser *parser, char **words)
{
    unsigned letter;
    char *colon = strrchr(words[2], ':');
    char *address = words[2];

    if (!parse_letter(parser, words[1], &letter))
        return false;
    if (!colon)
        return fail(parser, "no port", words[2]);
    *colon = '\0';
    parser->port[letter] = (uint16_t)strtoul(colon + 1, NULL, 10);
    parser->ipv6 = address[0] == '[';
    if (parser->ipv6) {
        address++;
        address[strcspn(address, "]")] = '\0';
    }
    memset(parser->address[letter], 0, ADDRESS_BYTES);
    if (inet_pton(parser->ipv6 ? AF_INET6 : AF_INET, address, parser->address[letter]) != 1)
        return fail(parser, "not an address", address);
    order_ends(parser);
    return true;
}

static bool parse_isn(struct parser *parser, char **words)
{
    unsigned letter;

    if (!parse_letter(parser, words[1], &letter))
        return false;
    parser->isn[letter] = (uint32_t)strtoul(words[2], NULL, 10);
    return true;
}

/* ---- values ------------------------------------------------------------------------------------------------------------ */

/* 1.25 -> nanoseconds since the start of the capture. */
static bool parse_time(const char *word, int64_t *ns)
{
    char *rest;
    int64_t scale = 100000000;

    *ns = strtoll(word, &rest, 10) * 1000000000;
    if (*rest == '.') {
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, scale /= 10)
            *ns += (*rest - '0') * scale;
    }
    return rest != word && *rest == '\0';
}

/* A sequence number: relative to an initial sequence number, or with = in front as it stands. */
static uint32_t parse_seq(const char *word, uint32_t isn)
{
    if (word[0] == '=')
        return (uint32_t)strtoul(word + 1, NULL, 10);
    return isn + (uint32_t)strtoll(word, NULL, 10);
}

static bool parse_flags(const struct parser *parser, char *word, uint8_t *flags)
{
    static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};

    *flags = 0;
    if (strcmp(word, "-") == 0)
        return true;
    for (char *name = strtok(word, ","); name; name = strtok(NULL, ",")) {
        unsigned bit = 0;

        while (bit < 8 && strcmp(names[bit], name) != 0)
            bit++;
        if (bit == 8)
            return fail(parser, "unknown flag", name);
        *flags |= (uint8_t)(1U << bit);
    }
    return true;
}

/* Payload as text: \n, \0 and \s stand for line feed, NUL and space. */
static void parse_data(const char *word, struct tl_segment *segment)
{
    static const char escapes[] = "n\n0\0s ";

    for (segment->len = 0; *word; word++, segment->len++) {
        uint8_t octet = (uint8_t)*word;

        if (octet == '\\' && word[1]) {
            word++;
            for (unsigned i = 0; i < sizeof escapes - 1; i += 2) {
                if (escapes[i] == *word)
                    octet = (uint8_t)escapes[i + 1];
            }
        }
        if (segment->len == 0)
            segment->first_octet = octet;
        segment->last_octet = octet;
    }
}

static bool parse_sack(const struct parser *parser, char *word, uint32_t isn, struct tl_segment *segment)
{
    char *dash = strchr(word + 1, '-');

    if (!dash || segment->sack_count == TL_SACK_BLOCKS_MAX)
        return fail(parser, "bad SACK block", word);
    *dash = '\0';
    segment->sack[segment->sack_count][0] = parse_seq(word, isn);
    segment->sack[segment->sack_count][1] = parse_seq(dash + 1, isn);
    segment->sack_count++;
    segment->options |= TL_OPT_SACK;
    return true;
}

/* ---- options and the other pairs of a segment ---------------------------------------------------------------------------- */

static bool parse_option(const struct parser *parser, const char *name, char *value, uint32_t peer_isn,
                         struct tl_segment *segment)
{
    unsigned long number = strtoul(value, NULL, 10);
    const char *slash = strchr(value, '/');

    if (strcmp(name, "mss") == 0) {
        segment->mss = (uint16_t)number;
        segment->options |= TL_OPT_MSS;
    } else if (strcmp(name, "wscale") == 0) {
        segment->window_scale = (uint8_t)number;
        segment->options |= TL_OPT_WINDOW_SCALE;
    } else if (strcmp(name, "sackok") == 0) {
        segment->options |= TL_OPT_SACK_PERMITTED;
    } else if (strcmp(name, "tfo") == 0) {
        segment->fast_open_bytes = (uint8_t)number;
        segment->options |= TL_OPT_FAST_OPEN;
    } else if (strcmp(name, "mptcp") == 0) {
        segment->options |= TL_OPT_MPTCP;
    } else if (strcmp(name, "mptcprst") == 0) {
        segment->mptcp_rst_reason = (uint8_t)number;
        segment->options |= TL_OPT_MPTCP | TL_OPT_MPTCP_RST;
    } else if (strcmp(name, "ts") == 0 && slash) {
        segment->tsval = (uint32_t)number;
        segment->tsecr = (uint32_t)strtoul(slash + 1, NULL, 10);
        segment->options |= TL_OPT_TIMESTAMPS;
    } else if (strcmp(name, "sack") == 0) {
        return parse_sack(parser, value, peer_isn, segment);
    } else {
        return fail(parser, "unknown name", name);
    }
    return true;
}

static bool parse_pair(struct parser *parser, unsigned letter, const char *name, char *value, struct tl_segment *segment)
{
    if (strcmp(name, "seq") == 0)
        segment->seq = parse_seq(value, parser->isn[letter]);
    else if (strcmp(name, "ack") == 0)
        segment->ack = parse_seq(value, parser->isn[!letter]);
    else if (strcmp(name, "len") == 0)
        segment->len = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "data") == 0)
        parse_data(value, segment);
    else if (strcmp(name, "win") == 0)
        segment->window = (uint16_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "id") == 0)
        segment->ip_id = (uint16_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "ttl") == 0)
        segment->ttl = (uint8_t)strtoul(value, NULL, 10);
    else
        return parse_option(parser, name, value, parser->isn[!letter], segment);
    return true;
}

/* Any number that is equal for equal segments and nearly always differs otherwise; the engine only compares it. */
static uint16_t checksum(const struct tl_segment *segment)
{
    uint32_t sum = segment->seq * 31 + segment->ack * 17 + segment->len * 7 + segment->tsval * 5 + segment->tsecr * 3 +
                   segment->window + segment->flags;

    return (uint16_t)(sum ^ (sum >> 16));
}

/* ---- events ------------------------------------------------------------------------------------------------------------ */

static struct case_event *new_event(struct parser *parser, enum case_kind kind)
{
    struct case_file *file = parser->file;
    struct case_event *event;

    if (file->count == parser->capacity) {
        unsigned capacity = parser->capacity ? 2 * parser->capacity : 32;
        struct case_event *events = realloc(file->events, capacity * sizeof *events);

        if (!events)
            return NULL;
        file->events = events;
        parser->capacity = capacity;
    }
    event = &file->events[file->count++];
    memset(event, 0, sizeof *event);
    event->kind = kind;
    event->line = parser->line;
    if (kind == CASE_SEGMENT)
        event->segment.frame = ++parser->frame;
    return event;
}

/* A>B */
static bool parse_direction(const struct parser *parser, const char *word, unsigned *letter)
{
    if (strcmp(word, "A>B") != 0 && strcmp(word, "B>A") != 0)
        return fail(parser, "not A>B or B>A", word);
    *letter = word[0] == 'B';
    return true;
}

/* TIME icmp A>B seq N type T code C [mtu M]: an error that quotes a segment of A. */
static bool parse_icmp(struct parser *parser, struct case_event *event, char **words, unsigned count)
{
    unsigned letter;

    if ((count != 9 && count != 11) || strcmp(words[3], "seq") != 0 || strcmp(words[5], "type") != 0 ||
        strcmp(words[7], "code") != 0 || (count == 11 && strcmp(words[9], "mtu") != 0))
        return fail(parser, "want: TIME icmp A>B seq N type N code N, mtu N if need be", NULL);
    if (!parse_direction(parser, words[2], &letter))
        return false;
    event->segment.from = parser->end[letter];
    event->segment.seq = parse_seq(words[4], parser->isn[letter]);
    event->icmp_type = (unsigned)strtoul(words[6], NULL, 10);
    event->icmp_code = (unsigned)strtoul(words[8], NULL, 10);
    event->icmp_mtu = count == 11 ? (uint32_t)strtoul(words[10], NULL, 10) : 0;
    event->segment.ipv6 = parser->ipv6;
    return true;
}

/* TIME A>B FLAGS name value ... */
static bool parse_segment(struct parser *parser, struct case_event *event, char **words, unsigned count)
{
    struct tl_segment *segment = &event->segment;
    unsigned letter;

    if (count < 3 || count % 2 == 0)
        return fail(parser, "want: TIME A>B FLAGS, then pairs of name and value", NULL);
    if (!parse_direction(parser, words[1], &letter) || !parse_flags(parser, words[2], &segment->flags))
        return false;
    segment->from = parser->end[letter];
    segment->time_ns = event->time_ns;
    segment->window = DEFAULT_WINDOW;
    segment->ttl = DEFAULT_TTL;
    segment->ipv6 = parser->ipv6;
    segment->ip_id = parser->no_id ? 0 : (uint16_t)(parser->ip_id[letter] + 1);
    segment->first_octet = segment->last_octet = 'x';
    for (unsigned i = 3; i < count; i += 2) {
        if (!parse_pair(parser, letter, words[i], words[i + 1], segment))
            return false;
    }
    segment->has_octet = segment->has_last_octet = segment->len > 0;
    if (segment->ip_id != 0)
        parser->ip_id[letter] = segment->ip_id;
    if (parser->ipv6)
        segment->ip_id = 0;
    segment->checksum = checksum(segment);
    return true;
}

static bool parse_event(struct parser *parser, char **words, unsigned count, const char *expected)
{
    bool is_end = strcmp(words[0], "end") == 0, is_late = strcmp(words[0], "late") == 0;
    struct case_event *event = new_event(parser, is_end ? CASE_END : is_late ? CASE_LATE : CASE_SEGMENT);

    if (!event)
        return fail(parser, "out of memory", NULL);
    event->expected = expected;
    if (is_end) {
        event->conn = count > 1 ? (unsigned)strtoul(words[1], NULL, 10) : 0;
        return true;
    }
    if (is_late) {
        event->segment.frame = count > 1 ? (uint32_t)strtoul(words[1], NULL, 10) : 0;
        return true;
    }
    if (count < 2 || !parse_time(words[0], &event->time_ns))
        return fail(parser, "neither a directive nor a time", words[0]);
    event->time_ns += CAPTURE_STARTS_NS;
    if (strcmp(words[1], "other") == 0) {
        event->kind = CASE_OTHER;
        return true;
    }
    if (strcmp(words[1], "icmp") == 0) {
        event->kind = CASE_ICMP;
        return parse_icmp(parser, event, words, count);
    }
    return parse_segment(parser, event, words, count);
}

/* ---- file -------------------------------------------------------------------------------------------------------------- */

/* The handshake that `begin established` stands for. What follows these words goes into both SYNs. */
static const char *const ESTABLISHED[] = {
    "0.000 A>B SYN seq 0 mss 1460",
    "0.020 B>A SYN,ACK seq 0 ack 1 mss 1460",
    "0.021 A>B ACK seq 1 ack 1",
};
enum { BEGIN_SEGMENTS = sizeof ESTABLISHED / sizeof ESTABLISHED[0] };

static unsigned split(char *line, char **words)
{
    unsigned count = 0;

    while (count < WORDS_MAX) {
        line += strspn(line, SPACE);
        if (!*line)
            break;
        words[count++] = line;
        line += strcspn(line, SPACE);
        if (*line)
            *line++ = '\0';
    }
    return count;
}

static bool parse_begin(struct parser *parser, char **words, unsigned count, const char *expected)
{
    if (count < 2 || strcmp(words[1], "established") != 0)
        return fail(parser, "begins with nothing known", count > 1 ? words[1] : NULL);
    for (unsigned i = 0; i < BEGIN_SEGMENTS; i++) {
        char line[BEGIN_BYTES], *parts[WORDS_MAX];
        size_t used = (size_t)snprintf(line, sizeof line, "%s", ESTABLISHED[i]);

        for (unsigned k = 2; k < count && i + 1 < BEGIN_SEGMENTS && used < sizeof line; k++)
            used += (size_t)snprintf(line + used, sizeof line - used, " %s", words[k]);
        if (used >= sizeof line)
            return fail(parser, "too many words", NULL);
        if (!parse_event(parser, parts, split(line, parts), i + 1 < BEGIN_SEGMENTS ? "" : expected))
            return false;
    }
    return true;
}

static bool parse_line(struct parser *parser, char *line)
{
    char *words[WORDS_MAX];
    unsigned count;
    char *bar = line[0] == '#' ? NULL : strchr(line, '|');

    if (line[0] == '#')
        return true;
    if (bar)
        *bar++ = '\0';
    count = split(line, words);
    if (count == 0 && !bar)
        return true;
    if (count == 0) {
        struct case_event *more = new_event(parser, CASE_MORE);

        if (more)
            more->expected = bar;
        return more || fail(parser, "out of memory", NULL);
    }
    if (count == 3 && strcmp(words[0], "host") == 0)
        return parse_host(parser, words);
    if (count == 3 && strcmp(words[0], "isn") == 0)
        return parse_isn(parser, words);
    if (count == 1 && strcmp(words[0], "noid") == 0)
        return parser->no_id = true;
    if (strcmp(words[0], "begin") == 0)
        return parse_begin(parser, words, count, bar ? bar : "");
    return parse_event(parser, words, count, bar ? bar : "");
}

static char *read_text(const char *path)
{
    FILE *stream = fopen(path, "rb");
    char *text = NULL;
    long size = -1;

    if (!stream)
        return NULL;
    if (fseek(stream, 0, SEEK_END) == 0)
        size = ftell(stream);
    rewind(stream);
    if (size >= 0)
        text = calloc((size_t)size + 1, 1);
    if (text && fread(text, 1, (size_t)size, stream) != (size_t)size) {
        free(text);
        text = NULL;
    }
    fclose(stream);
    return text;
}

void case_tell_icmp(struct tl_pair *pair, const struct case_event *event)
{
    const struct tl_segment *quoted = &event->segment;
    bool is_too_big = quoted->ipv6 ? event->icmp_type == 2 : event->icmp_type == 3 && event->icmp_code == 4;

    if (is_too_big)
        tl_pair_too_big(pair, &(struct tl_too_big){.time_ns = event->time_ns,
                                                   .frame = quoted->frame,
                                                   .seq = quoted->seq,
                                                   .mtu = event->icmp_mtu,
                                                   .from = quoted->from,
                                                   .ipv6 = quoted->ipv6});
    else
        tl_pair_unreachable(pair, quoted->from, quoted->seq, event->icmp_type, event->icmp_code, quoted->frame);
}

bool case_read(const char *path, struct case_file *file)
{
    struct parser parser = {.path = path,
                            .file = file,
                            .address = {{10, 0, 0, 1}, {10, 0, 0, 2}},
                            .port = {40000, 80},
                            .isn = {100000, 500000},
                            .ip_id = {1000, 5000}};

    memset(file, 0, sizeof *file);
    file->text = read_text(path);
    if (!file->text)
        return fail(&parser, "cannot be read", NULL);
    order_ends(&parser);
    for (char *line = file->text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        parser.line++;
        if (!parse_line(&parser, line))
            return false;
    }
    return true;
}

void case_free(struct case_file *file)
{
    free(file->events);
    free(file->text);
    memset(file, 0, sizeof *file);
}
