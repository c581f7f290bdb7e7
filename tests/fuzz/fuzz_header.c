/* fuzz_header.c - fuzzer of the reader of TCP headers (plugin/epan/input/tl_parse.c): any bytes, any lengths.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The first two bytes of an input are how much longer the packet was than what was captured; the rest are the bytes captured,
 * copied to a block of exactly that size, so that AddressSanitizer sees a read of one byte more.
 */
#include "input/tl_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "not so: %s\n", what);
        abort();
    }
}

static void check(const struct tl_segment *segment, const uint8_t *header, size_t captured, size_t reported)
{
    size_t size = (size_t)(header[12] >> 4) * 4;

    must(size >= TL_HEADER_MIN && size <= reported, "the header length is possible");
    must(segment->len == reported - size, "the payload is what is left");
    must(segment->sack_count <= TL_SACK_BLOCKS_MAX, "at most four SACK blocks");
    must(!segment->sack_count == !(segment->options & TL_OPT_SACK), "SACK blocks with the option only");
    must(segment->options < TL_OPT_CUT << 1, "known options only");
    must(!(segment->options & TL_OPT_CUT) || segment->options & TL_OPT_BROKEN, "a header cut short is broken");
    must(size > TL_HEADER_MIN || segment->options == 0 || captured < size, "options need room");
    must(!segment->has_octet || segment->len > 0, "octets are payload");
    must(!segment->has_octet || segment->first_octet == header[size], "the first octet is the first of the payload");
    must(!segment->has_last_octet || segment->last_octet == header[reported - 1], "the last octet is the last");
    must(!(segment->options & TL_OPT_MPTCP_RST) || segment->options & TL_OPT_MPTCP, "MP_TCPRST is an option of MPTCP");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct tl_segment segment, again;
    size_t captured, reported;
    uint8_t *header;

    if (size < 2) {
        return 0;
    }
    captured = size - 2;
    reported = captured + tl_get16(bytes);
    header = malloc(captured > 0 ? captured : 1);
    if (!header) {
        return 0;
    }
    memcpy(header, bytes + 2, captured);
    memset(&segment, 0, sizeof segment);
    if (tl_parse_header(header, captured, reported, &segment)) {
        check(&segment, header, captured, reported);
        memset(&again, 0, sizeof again);
        tl_parse_header(header, captured, reported, &again);
        must(memcmp(&segment, &again, sizeof segment) == 0, "the same bytes have the same meaning");
    } else {
        memset(&again, 0, sizeof again);
        must(memcmp(&segment, &again, sizeof segment) == 0, "nothing is written when the header is refused");
    }
    free(header);
    return 0;
}
