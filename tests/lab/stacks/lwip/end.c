/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An end of the stacks lab whose TCP is lwIP: end ADDRESS PEER SEED LINK. lwIP itself is unchanged. */
#include "../end.h"

#include <arpa/inet.h>
#include <execinfo.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"

enum { MARKS = 64, CONNS = 2000, CHUNK = 5760, LONGEST_SLEEP_MS = 20 };

/* A segment that tcp_rexmit() has put into the queue, and who called it; the queue is sent later, by whoever comes first. */
static struct mark {
    u16_t own, peer;
    u32_t seq;
    char stack[400];
} marks[MARKS];
static unsigned mark_count;

struct conn {
    char id[16];
    struct tcp_pcb *pcb;
    bool reading;
    unsigned to_send;
    struct pbuf *unread;
};
static struct conn conns[CONNS];
static int conn_count;
static unsigned accepted_count;
static struct netif lab_netif;
static bool v6;

u32_t sys_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (u32_t)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

u32_t sys_jiffies(void)
{
    return sys_now();
}

/* gcc calls these two around every function of tcp_out.c, which is compiled with -finstrument-functions. */
void __cyg_profile_func_enter(void *function, void *caller)
{
    (void)caller;
    struct tcp_pcb *pcb = tcp_input_pcb;
    if (function != (void *)tcp_rexmit || pcb == NULL || pcb->unacked == NULL)
        return;
    struct mark *mark = &marks[mark_count++ % MARKS];
    mark->own = pcb->local_port;
    mark->peer = pcb->remote_port;
    mark->seq = lwip_ntohl(pcb->unacked->tcphdr->seqno);
    void *frames[20];
    int depth = backtrace(frames, 20), at = 0;
    for (int i = 1; i < depth; i++)
        at += snprintf(mark->stack + at, sizeof mark->stack - (size_t)at, "%lx ", (unsigned long)frames[i]);
}

void __cyg_profile_func_exit(void *function, void *caller)
{
    (void)function;
    (void)caller;
}

static const char *take_mark(u16_t own, u16_t peer, u32_t seq)
{
    static char facts[500];
    for (unsigned i = 0; i < MARKS; i++) {
        if (marks[i].own == own && marks[i].peer == peer && marks[i].seq == seq) {
            snprintf(facts, sizeof facts, "queued %s", marks[i].stack);
            marks[i].own = 0;
            return facts;
        }
    }
    return "";
}

static err_t output(struct pbuf *p)
{
    static u8_t packet[2000];
    u16_t length = pbuf_copy_partial(p, packet, sizeof packet, 0);
    u16_t header = v6 ? 40 : (packet[0] & 15) * 4;
    if (packet[v6 ? 6 : 9] != IP_PROTO_TCP)
        return ERR_OK;
    struct tcp_hdr tcp;
    memcpy(&tcp, packet + header, sizeof tcp);
    end_send(packet, length, take_mark(lwip_ntohs(tcp.src), lwip_ntohs(tcp.dest), lwip_ntohl(tcp.seqno)));
    return ERR_OK;
}

static err_t output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)netif;
    (void)to;
    return output(p);
}

static err_t output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    (void)netif;
    (void)to;
    return output(p);
}

static err_t set_up(struct netif *netif)
{
    netif->output = output4;
    netif->output_ip6 = output6;
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_UP | NETIF_FLAG_LINK_UP;
    netif->name[0] = 'l';
    netif->name[1] = 'b';
    return ERR_OK;
}

static void pump(struct conn *conn)
{
    static char filler[CHUNK];
    if (conn->pcb == NULL || conn->to_send == 0)
        return;
    memset(filler, 'x', sizeof filler);
    while (conn->to_send) {
        unsigned count = LWIP_MIN(LWIP_MIN((unsigned)tcp_sndbuf(conn->pcb), conn->to_send), CHUNK);
        if (count == 0 || tcp_write(conn->pcb, filler, (u16_t)count, TCP_WRITE_FLAG_COPY) != ERR_OK)
            break;
        conn->to_send -= count;
    }
    tcp_output(conn->pcb);
}

static err_t on_receive(void *argument, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    struct conn *conn = argument;
    (void)error;
    if (p == NULL) {
        end_say("ev end %s", conn->id);
        return ERR_OK;
    }
    end_say("ev got %s %u", conn->id, p->tot_len);
    if (conn->reading) {
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
    } else if (conn->unread) {
        pbuf_cat(conn->unread, p);
    } else {
        conn->unread = p;
    }
    return ERR_OK;
}

static err_t on_sent(void *argument, struct tcp_pcb *pcb, u16_t count)
{
    (void)pcb;
    (void)count;
    pump(argument);
    return ERR_OK;
}

static void on_error(void *argument, err_t error)
{
    struct conn *conn = argument;
    conn->pcb = NULL;
    end_say("ev error %s %d", conn->id, error);
}

static err_t on_connected(void *argument, struct tcp_pcb *pcb, err_t error)
{
    struct conn *conn = argument;
    (void)pcb;
    (void)error;
    end_say("ev connected %s", conn->id);
    pump(conn);
    return ERR_OK;
}

static struct conn *new_conn(const char *id, struct tcp_pcb *pcb, bool reading)
{
    if (conn_count == CONNS)
        abort();
    struct conn *conn = &conns[conn_count++];
    snprintf(conn->id, sizeof conn->id, "%s", id);
    conn->pcb = pcb;
    conn->reading = reading;
    tcp_arg(pcb, conn);
    tcp_recv(pcb, on_receive);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    return conn;
}

static err_t on_accept(void *argument, struct tcp_pcb *pcb, err_t error)
{
    if (error != ERR_OK || pcb == NULL)
        return ERR_VAL;
    char id[16];
    snprintf(id, sizeof id, "a%u", accepted_count++);
    tcp_nagle_disable(pcb);
    new_conn(id, pcb, argument != NULL);
    end_say("ev accepted %s %u", id, pcb->local_port);
    return ERR_OK;
}

static struct tcp_pcb *new_pcb(void)
{
    struct tcp_pcb *pcb = tcp_new();
    ip_set_option(pcb, SOF_REUSEADDR);
    tcp_nagle_disable(pcb);
    return pcb;
}

/* listen PORT READING */
static void command_listen(char **words)
{
    static char yes;
    struct tcp_pcb *pcb = new_pcb();
    tcp_bind(pcb, IP_ANY_TYPE, (u16_t)atoi(words[1]));
    pcb = tcp_listen(pcb);
    tcp_arg(pcb, atoi(words[2]) ? &yes : NULL);
    tcp_accept(pcb, on_accept);
}

/* connect ID ADDRESS PORT OWN-PORT READING */
static void command_connect(char **words)
{
    struct tcp_pcb *pcb = new_pcb();
    ip_addr_t address;
    ipaddr_aton(words[2], &address);
    if (atoi(words[4]) && tcp_bind(pcb, IP_ANY_TYPE, (u16_t)atoi(words[4])) != ERR_OK) {
        tcp_close(pcb);
        end_say("ev error %s 0", words[1]);
        return;
    }
    struct conn *conn = new_conn(words[1], pcb, atoi(words[5]));
    err_t error = tcp_connect(pcb, &address, (u16_t)atoi(words[3]), on_connected);
    if (error != ERR_OK)
        end_say("ev error %s %d", conn->id, error);
}

static void let_go(struct conn *conn, void (*how)(struct tcp_pcb *pcb))
{
    struct tcp_pcb *pcb = conn->pcb;
    conn->pcb = NULL;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    how(pcb);
}

static void close_pcb(struct tcp_pcb *pcb)
{
    tcp_close(pcb);
}

static void vanish(struct tcp_pcb *pcb)
{
    tcp_abandon(pcb, 0);
}

static void command_read(struct conn *conn, bool reading)
{
    conn->reading = reading;
    if (!reading || conn->unread == NULL)
        return;
    u16_t count = conn->unread->tot_len;
    pbuf_free(conn->unread);
    conn->unread = NULL;
    tcp_recved(conn->pcb, count);
}

static void command_on_conn(struct conn *conn, char **words)
{
    const char *what = words[0];
    if (strcmp(what, "send") == 0) {
        conn->to_send += (unsigned)atoi(words[2]);
        pump(conn);
    } else if (strcmp(what, "read") == 0) {
        command_read(conn, atoi(words[2]));
    } else if (strcmp(what, "close") == 0) {
        let_go(conn, close_pcb);
    } else if (strcmp(what, "shut") == 0) {
        tcp_shutdown(conn->pcb, 0, 1);
    } else if (strcmp(what, "abort") == 0) {
        let_go(conn, tcp_abort);
    } else if (strcmp(what, "vanish") == 0) {
        let_go(conn, vanish);
    } else if (strcmp(what, "keepalive") == 0) {
        ip_set_option(conn->pcb, SOF_KEEPALIVE);
        conn->pcb->keep_idle = (u32_t)atoi(words[2]);
        conn->pcb->keep_intvl = (u32_t)atoi(words[3]);
        conn->pcb->keep_cnt = (u32_t)atoi(words[4]);
    }
}

static void command(char **words)
{
    if (strcmp(words[0], "listen") == 0) {
        command_listen(words);
    } else if (strcmp(words[0], "connect") == 0) {
        command_connect(words);
    } else if (strcmp(words[0], "counters") == 0) {
        end_say("counters queued %u resets %u", lwip_stats.mib2.tcpretranssegs, lwip_stats.mib2.tcpoutrsts);
    } else {
        int i = conn_count - 1;
        while (i >= 0 && strcmp(conns[i].id, words[1]) != 0)
            i--;
        if (i >= 0 && conns[i].pcb)
            command_on_conn(&conns[i], words);
    }
    end_say("ok");
}

static void tell_states(void)
{
    static const char *const names[] = {"CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
                                        "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};
    end_states_begin();
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        end_state(pcb->local_port, pcb->remote_port, names[pcb->state]);
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next)
        end_state(pcb->local_port, pcb->remote_port, names[pcb->state]);
    end_states_end();
}

static void input(void)
{
    static u8_t packet[4000];
    size_t length = end_receive(packet, sizeof packet);
    if (length == 0)
        return;
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);
    pbuf_take(p, packet, (u16_t)length);
    if (lab_netif.input(p, &lab_netif) != ERR_OK)
        pbuf_free(p);
}

int main(int count, char **arguments)
{
    if (count < 5)
        return 2;
    end_start(arguments[4]);
    srand((unsigned)atoi(arguments[3]));
    v6 = strchr(arguments[1], ':') != NULL;
    lwip_init();
    ip_addr_t own, peer;
    ip4_addr_t mask;
    ipaddr_aton(arguments[1], &own);
    ipaddr_aton(arguments[2], &peer);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    netif_add(&lab_netif, v6 ? NULL : ip_2_ip4(&own), &mask, v6 ? NULL : ip_2_ip4(&peer), NULL, set_up, ip_input);
    if (v6) {
        netif_ip6_addr_set(&lab_netif, 0, ip_2_ip6(&own));
        netif_ip6_addr_set_state(&lab_netif, 0, IP6_ADDR_PREFERRED);
    }
    netif_set_default(&lab_netif);
    netif_set_up(&lab_netif);
    netif_set_link_up(&lab_netif);
    end_say("ready");
    for (;;) {
        struct pollfd ready[2] = {{STDIN_FILENO, POLLIN, 0}, {end_link(), POLLIN, 0}};
        poll(ready, 2, (int)LWIP_MIN(sys_timeouts_sleeptime(), LONGEST_SLEEP_MS));
        if (ready[1].revents)
            input();
        tell_states();
        if (ready[0].revents)
            end_commands(command);
        sys_check_timeouts();
        tell_states();
    }
}
