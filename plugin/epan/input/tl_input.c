/* tl_input.c - finds the TCP headers of a frame, tunnels and ICMP quotes included, and hands them to the engine in order.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "input/tl_input.h"

#include <string.h>

#include <epan/dissectors/packet-ip.h>
#include <epan/ipproto.h>
#include <epan/wmem_scopes.h>

#include "input/tl_parse.h"
#include "input/tl_wireshark.h"
#include "store/tl_store.h"
#include "store/tl_wait_store.h"

enum {
    HEADERS_MAX = 64,    /* TCP headers of one frame that are looked at; real tunnels nest two or three */
    ICMP_HEADER = 8,     /* bytes before the quoted packet (RFC 792, RFC 4443 2.1) */
    IPV4_HEADER = 20,    /* bytes without options */
    IPV6_HEADER = 40,    /* bytes without extension headers */
    ICMP_UNKNOWN = 0xFF, /* type and code when they cannot be read */
};

/* Wireshark's numbers of things, filled at registration. */
static struct {
    protocol_t *protocol;
    dissector_handle_t hook;
    dissector_handle_t tcp;
    int proto_tcp, proto_icmp, proto_icmpv6, proto_sflow, proto_cflow;
    int hf_tcp_len;
} known;

/* What was seen of the frame that is being dissected. */
static struct {
    uint32_t frame;
    unsigned count;
    bool waits;  /* whether somebody reads waits */
    bool passed; /* whether TCP was called through here at all, counted or not */
    struct tl_header headers[HEADERS_MAX];
} current;

/* Time of the frame, ns since 1970, within 1911 and 2116; 0 if it has none. */
static int64_t input_time_of(const packet_info *pinfo)
{
    /* A damaged file can hold any time. Between 1911 and 2116 the differences of two times fit, and so do their sums. */
    const int64_t earliest = -(INT64_C(59) * 366 * 86400), latest = INT64_C(146) * 365 * 86400;
    int64_t seconds = CLAMP((int64_t)pinfo->abs_ts.secs, earliest, latest);

    return seconds * 1000000000 + pinfo->abs_ts.nsecs;
}

/* Starts the list afresh when the frame before did not end in the post-dissector. */
static void input_begin_frame(const packet_info *pinfo)
{
    if (current.frame != pinfo->num) {
        current.frame = pinfo->num;
        current.count = 0;
    }
    current.passed = true;
}

/* ---- which headers count ----------------------------------------------------------------------------------------------- */

/* Whether one of the layers of the frame so far is this protocol. */
static bool input_inside(const packet_info *pinfo, int proto)
{
    for (wmem_list_frame_t *layer = wmem_list_head(pinfo->layers); layer; layer = wmem_list_frame_next(layer)) {
        if (GPOINTER_TO_INT(wmem_list_frame_data(layer)) == proto)
            return true;
    }
    return false;
}

/* Whether the packet is a sample that a router or switch sent in a report: no place of a path shows all of these. */
static bool input_is_sample(const packet_info *pinfo)
{
    return input_inside(pinfo, known.proto_sflow) || input_inside(pinfo, known.proto_cflow);
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

/* The facts of the IP header, which IP hands to the next dissector. `ip` is NULL when TCP stands on something else. */
static void input_read_ip(void *ip, const packet_info *pinfo, struct tl_segment *segment)
{
    const ws_ip4 *ip4 = WS_IP4_PTR(ip);
    const ws_ip6 *ip6 = WS_IP6_PTR(ip);

    segment->ipv6 = pinfo->src.type == AT_IPv6;
    if (ip4) {
        segment->ip_id = ip4->ip_id;
        segment->ttl = ip4->ip_ttl;
    } else if (ip6) {
        segment->ttl = ip6->ip6_hop;
    }
}

/* The addresses and ports of the packet that is being dissected. `ports` points at the TCP header. */
static struct tl_flow input_flow_of(const packet_info *pinfo, const uint8_t *ports)
{
    return (struct tl_flow){
        .source = &pinfo->src,
        .destination = &pinfo->dst,
        .source_port = tl_get16(ports),
        .destination_port = tl_get16(ports + 2),
    };
}

/* On the first pass decides what the segment is and keeps that; on later passes looks it up. */
static void input_decide(const packet_info *pinfo, const struct tl_flow *flow, unsigned layer, struct tl_header *header)
{
    struct tl_pair *pair;
    unsigned from = 0;

    header->visited = PINFO_FD_VISITED(pinfo);
    if (header->visited) {
        header->decided = tl_store_read(pinfo->num, layer, &header->result);
        header->segment.from = header->decided ? header->result.shape.from : 0;
        return;
    }
    pair = tl_store_pair(flow, true, &from);
    header->segment.from = (uint8_t)from;
    header->decided = pair && tl_pair_update(pair, &header->segment, &header->result);
    if (!header->decided)
        return;
    tl_store_write(pinfo->num, layer, &header->result);
    if (header->result.shape.flags & TL_SHAPE_NAMES_RUN)
        tl_store_name_run(header->result.conn, header->result.refs.probe_run_in, &header->result.shape);
    for (int i = 0; i < TL_PROVED_MAX && header->result.refs.proved[i].frame != 0; i++)
        tl_store_prove(header->result.conn, header->result.refs.proved[i].frame, header->result.refs.proved[i].spurious);
}

/* Follows the waits, and finds the one that the segment ended. */
static void input_follow_waits(unsigned layer, struct tl_header *header)
{
    header->wait.ns = 0; /* the rest means nothing then */
    if (!current.waits || !header->decided)
        return;
    tl_wait_store_tell(layer, &header->segment, &header->result, header->visited);
    (void)tl_wait_store_find(header->segment.frame, layer, &header->wait);
}

/* Reads the TCP header at `offset` of `tvb`, with `reported` bytes of header and payload on the wire, and adds it to the list.
 */
static void input_record(tvbuff_t *tvb, int offset, unsigned reported, packet_info *pinfo, void *ip)
{
    unsigned captured = MIN(tvb_captured_length(tvb) - (unsigned)offset, reported);
    struct tl_header *header = &current.headers[current.count];
    struct tl_flow flow;
    const uint8_t *bytes;
    unsigned size; /* of the header */

    if (captured < TL_HEADER_NEEDED || current.count >= HEADERS_MAX)
        return;
    bytes = tvb_get_ptr(tvb, offset, (int)captured);
    memset(&header->segment, 0, sizeof header->segment);
    if (!tl_parse_header(bytes, captured, reported, &header->segment))
        return;
    size = reported - header->segment.len;
    header->payload = (header->segment.flags & TL_RST) && captured > size ? bytes + size : NULL;
    header->payload_size = header->payload ? captured - size : 0;
    header->segment.frame = pinfo->num;
    header->segment.time_ns = input_time_of(pinfo);
    input_read_ip(ip, pinfo, &header->segment);
    flow = input_flow_of(pinfo, bytes);
    input_decide(pinfo, &flow, current.count, header);
    input_follow_waits(current.count, header);
    current.count++;
}

/* ---- TCP quoted in ICMP errors ----------------------------------------------------------------------------------------- */

/* Whether the bytes are the header of the quoted packet: right version, no options, and the addresses that IP just read. */
static bool input_is_quoted_ip(const uint8_t *ip, unsigned size, const packet_info *pinfo)
{
    const int at = size == IPV4_HEADER ? 12 : 8; /* where the source address stands; the destination follows */
    const int length = size == IPV4_HEADER ? 4 : 16;
    const uint8_t version = size == IPV4_HEADER ? 0x45 : 0x60;
    const uint8_t mask = size == IPV4_HEADER ? 0xFF : 0xF0;

    return (ip[0] & mask) == version && pinfo->src.len == length && pinfo->dst.len == length &&
           memcmp(ip + at, pinfo->src.data, (size_t)length) == 0 &&
           memcmp(ip + at + length, pinfo->dst.data, (size_t)length) == 0;
}

/* What is read of an ICMP error. */
struct icmp {
    uint8_t type, code; /* ICMP_UNKNOWN when they cannot be read */
    uint32_t mtu;       /* if it is input_too_big(); 0 = not said */
};

/* The ICMP error around `tvb`, which is the quoted TCP header. Nothing hands it down, and the ICMP dissector notes type and code
 * only after the quoted packet; but they stand at a fixed distance, unless the quoted IP header has options or extension headers:
 * then both are ICMP_UNKNOWN. */
static struct icmp input_read_icmp(tvbuff_t *tvb, bool ipv6, const packet_info *pinfo)
{
    unsigned size = ipv6 ? IPV6_HEADER : IPV4_HEADER;
    int start = tvb_raw_offset(tvb) - (int)size - ICMP_HEADER;
    const uint8_t *icmp;

    if (start < 0)
        return (struct icmp){ICMP_UNKNOWN, ICMP_UNKNOWN, 0};
    icmp = tvb_get_ptr(tvb_get_ds_tvb(tvb), start, (int)size + ICMP_HEADER);
    if (!input_is_quoted_ip(icmp + ICMP_HEADER, size, pinfo))
        return (struct icmp){ICMP_UNKNOWN, ICMP_UNKNOWN, 0};
    return (struct icmp){icmp[0], icmp[1], ipv6 ? tl_get32(icmp + 4) : tl_get16(icmp + 6)};
}

/* Whether the packet was too large for the path: "fragmentation needed" (3/4, RFC 792) and ICMPv6's "packet too big" (2, RFC 4443
 * 3.2). */
static bool input_too_big(bool ipv6, const struct icmp *icmp)
{
    return ipv6 ? icmp->type == 2 : icmp->type == 3 && icmp->code == 4;
}

/* Whether the error says that the packet did not arrive, nor can. Not so: redirect and source quench of ICMP (5 and 4), and a
 * packet too large, after which the same can be sent on another way or cut. */
static bool input_means_unreachable(bool ipv6, const struct icmp *icmp)
{
    return !input_too_big(ipv6, icmp) && (ipv6 || (icmp->type != 4 && icmp->type != 5));
}

/* Who sent the ICMP error around `tvb`: its IP header stands before the ICMP header, unless it has options. */
static void input_note_icmp_sender(tvbuff_t *tvb, bool ipv6, const struct tl_pair *pair)
{
    unsigned size = ipv6 ? IPV6_HEADER : IPV4_HEADER;
    int start = tvb_raw_offset(tvb) - 2 * (int)size - ICMP_HEADER;
    const uint8_t *ip = start < 0 ? NULL : tvb_get_ptr(tvb_get_ds_tvb(tvb), start, (int)size);
    const struct tl_conn *conn = tl_pair_newest(pair);

    if (conn && ip && (ipv6 ? *ip >> 4 == 6 : *ip == 0x45))
        tl_store_note_icmp(conn, ipv6, ip + (ipv6 ? 8 : 12));
}

/* A TCP header quoted in an ICMP error: the answer to a SYN, or to a segment too large, perhaps. 8 bytes of the header may be all there
 * is. */
static void input_record_quoted(tvbuff_t *tvb, packet_info *pinfo)
{
    unsigned captured = tvb_captured_length(tvb);
    bool ipv6 = pinfo->src.type == AT_IPv6;
    unsigned from = 0;
    struct icmp icmp;
    struct tl_flow flow;
    struct tl_pair *pair;
    const uint8_t *bytes;

    if (captured < 8 || PINFO_FD_VISITED(pinfo) || input_is_sample(pinfo))
        return;
    if (!input_inside(pinfo, known.proto_icmp) && !input_inside(pinfo, known.proto_icmpv6))
        return;
    bytes = tvb_get_ptr(tvb, 0, (int)MIN(captured, 14));
    icmp = input_read_icmp(tvb, ipv6, pinfo);
    flow = input_flow_of(pinfo, bytes);
    pair = tl_store_pair(&flow, false, &from);
    if (!pair)
        return;
    input_note_icmp_sender(tvb, ipv6, pair);
    if (input_too_big(ipv6, &icmp)) {
        tl_pair_too_big(pair, &(struct tl_too_big){.time_ns = input_time_of(pinfo),
                                                   .frame = pinfo->num,
                                                   .seq = tl_get32(bytes + 4),
                                                   .mtu = icmp.mtu,
                                                   .from = (uint8_t)from,
                                                   .ipv6 = ipv6});
        return;
    }
    if (captured >= 14 && (bytes[13] & (TL_SYN | TL_ACK | TL_RST | TL_FIN)) != TL_SYN)
        return;
    if (input_means_unreachable(ipv6, &icmp))
        tl_pair_unreachable(pair, from, tl_get32(bytes + 4), icmp.type, icmp.code, pinfo->num);
}

/* ---- in front of TCP --------------------------------------------------------------------------------------------------- */

/* Called instead of TCP. Everything is noted before the real TCP runs: it or a payload may throw, and a nested packet replaces
 * the addresses and ports in `pinfo`. */
static int input_dissect_before_tcp(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *ip)
{
    if (proto_is_protocol_enabled(known.protocol)) {
        input_begin_frame(pinfo);
        current.waits = tl_wireshark_reads_waits(tree);
        if (pinfo->flags.in_error_pkt)
            input_record_quoted(tvb, pinfo);
        /* Samples come by UDP or SCTP, so only packets inside another transport need the walk over the layers. */
        else if (!pinfo->fragmented && (pinfo->ptype == PT_NONE || !input_is_sample(pinfo)))
            input_record(tvb, 0, tvb_reported_length(tvb), pinfo, ip);
        tl_wireshark_ask(tree);
    }
    return call_dissector_only(known.tcp, tvb, pinfo, tree, ip);
}

/* ---- when the hook was not called -------------------------------------------------------------------------------------- */

/* The item of TCP's own subtree, or NULL unless there is exactly one in the tree. */
static field_info *input_only_item(proto_tree *tree, int id)
{
    GPtrArray *items = id > 0 ? proto_find_finfo(tree, id) : NULL;
    field_info *item = items && items->len == 1 ? items->pdata[0] : NULL;

    if (items)
        g_ptr_array_free(items, TRUE);
    return item;
}

/* Reads the one TCP layer of the tree. Wireshark adds tcp.len neither in ICMP errors nor for fragments nor without a whole
 * header, so that its presence answers whether the header counts. */
static void input_record_from_tree(packet_info *pinfo, proto_tree *tree)
{
    field_info *tcp = input_only_item(tree, known.proto_tcp);
    field_info *len = tcp ? input_only_item(tree, known.hf_tcp_len) : NULL;
    unsigned size;

    if (!len || !tcp->ds_tvb || tcp->total_layer_num != len->total_layer_num || input_is_sample(pinfo))
        return;
    if (!tvb_bytes_exist(tcp->ds_tvb, tcp->start, TL_HEADER_NEEDED))
        return;
    size = (unsigned)(*tvb_get_ptr(tcp->ds_tvb, tcp->start + 12, 1) >> 4) * 4;
    input_begin_frame(pinfo);
    current.waits = tl_wireshark_reads_waits(tree);
    input_record(tcp->ds_tvb, tcp->start, size + TL_FINFO_UINT(len), pinfo, NULL);
}

/* ---- for the post-dissector -------------------------------------------------------------------------------------------- */

const struct tl_header *tl_input_headers(packet_info *pinfo, proto_tree *tree, unsigned *count)
{
    if (current.frame != pinfo->num) {
        current.frame = pinfo->num;
        current.count = 0;
        current.passed = false;
    }
    if (!current.passed && tree && pinfo->ptype == PT_TCP)
        input_record_from_tree(pinfo, tree);
    if (!PINFO_FD_VISITED(pinfo))
        tl_store_saw(current.count > 0 ? current.headers[0].segment.time_ns : input_time_of(pinfo));
    *count = current.count;
    return current.headers;
}

void tl_input_end(void)
{
    current.frame = 0;
    current.count = 0;
    current.passed = false;
}

/* ---- registration ------------------------------------------------------------------------------------------------------ */

void tl_input_register(int protocol)
{
    int parent = proto_get_id_by_filter_name("tcp");
    int hook;

    /* The parent is TCP, not tcplife: disabling a protocol disables the ones in its name too, and with tcplife as parent TCP
     * would be gone with it. */
    hook = proto_register_protocol_in_name_only("TCP, seen by TCP Lifecycle", "TCP (seen by TCP Lifecycle)",
                                                "tcplife.before_tcp", parent, FT_PROTOCOL);
    known.hook = create_dissector_handle(input_dissect_before_tcp, hook);
    known.protocol = find_protocol_by_id(protocol);
    known.proto_tcp = parent;
    tl_store_register();
    tl_wait_store_register();
    register_init_routine(tl_input_end);
}

void tl_input_handoff(void)
{
    dissector_table_t table = find_dissector_table("ip.proto");
    dissector_handle_t before = table ? dissector_get_uint_handle(table, IP_PROTO_TCP) : NULL;

    /* Another plugin may stand there already: hand on to it. */
    if (before != known.hook)
        known.tcp = before ? before : find_dissector("tcp");
    known.proto_icmp = proto_get_id_by_filter_name("icmp");
    known.proto_icmpv6 = proto_get_id_by_filter_name("icmpv6");
    known.proto_sflow = proto_get_id_by_filter_name("sflow");
    known.proto_cflow = proto_get_id_by_filter_name("cflow");
    known.hf_tcp_len = proto_registrar_get_id_byname("tcp.len");
    tl_wireshark_handoff();
    dissector_add_uint("ip.proto", IP_PROTO_TCP, known.hook);
}
