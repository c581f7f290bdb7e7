/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An end of the stacks lab whose TCP is that of libslirp, 4.4BSD's: end ADDRESS PEER SEED LINK. libslirp itself is unchanged; its
 * applications are sockets of this program on the loopback device of its network namespace.
 */
#include "../end.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "slirp.h"

enum { CONNS = 600, LISTENERS = 300, TIMERS = 32, DESCRIPTORS = 2000, LONGEST_SLEEP_MS = 5, ETHERNET = 14 };
enum { RECEIVE_BUFFER = 4096, FIRST_FORWARD = 20000, TICK_MS = 1000 / PR_SLOWHZ };

struct conn {
    char id[16];
    int fd;
    bool reading, ended, connecting;
    unsigned to_send, peer_port, own_port; /* ports: of the connection that libslirp makes; 0: not known yet */
    unsigned idle_ms, interval_ms, probes; /* keep-alive */
};
static struct conn conns[CONNS];
static int conn_count, accepted_count;

static struct {
    int fd, port;
    bool reading;
} listeners[LISTENERS];
static int listener_count;

static struct timer {
    SlirpTimerCb handle;
    void *argument;
    int64_t due_ms;
} timers[TIMERS];
static int timer_count;

static struct pollfd watched[DESCRIPTORS];
static int watched_count;
static Slirp *slirp;
static union slirp_sockaddr guest;
static bool v6;
static const uint8_t guest_mac[6] = {2, 0, 0, 0, 0, 9};

/* --- what libslirp asks its user for ------------------------------------------------------------------------------------- */

static struct tcpcb *control_block(unsigned own, unsigned peer)
{
    for (struct socket *so = slirp->tcb.so_next; so != &slirp->tcb; so = so->so_next)
        if (so->so_tcpcb && ntohs(so->so_fport) == own && ntohs(so->so_lport) == peer)
            return so->so_tcpcb;
    return NULL;
}

static ssize_t send_packet(const void *frame, size_t length, void *opaque)
{
    (void)opaque;
    const uint8_t *packet = (const uint8_t *)frame + ETHERNET;
    size_t header = v6 ? 40 : (packet[0] & 15u) * 4;
    const uint8_t *tcp = packet + header;
    bool ip = packet[-2] == (v6 ? 0x86 : 0x08) && packet[-1] == (v6 ? 0xdd : 0x00);
    if (!ip || packet[v6 ? 6 : 9] != IPPROTO_TCP)
        return (ssize_t)length;
    char facts[120] = "";
    struct tcpcb *tp = control_block((unsigned)(tcp[0] << 8 | tcp[1]), (unsigned)(tcp[2] << 8 | tcp[3]));
    if (tp)
        snprintf(facts, sizeof facts, "force=%d dup=%d shift=%d una=%u", tp->t_force, tp->t_dupacks, tp->t_rxtshift,
                 tp->snd_una);
    end_send(packet, length - ETHERNET, facts);
    return (ssize_t)length;
}

static void guest_error(const char *message, void *opaque)
{
    (void)opaque;
    fprintf(stderr, "slirp: %s\n", message);
}

static int64_t clock_ns(void *opaque)
{
    (void)opaque;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void *timer_new(SlirpTimerCb handle, void *argument, void *opaque)
{
    (void)opaque;
    if (timer_count == TIMERS)
        abort();
    timers[timer_count].handle = handle;
    timers[timer_count].argument = argument;
    return &timers[timer_count++];
}

static void timer_free(void *timer, void *opaque)
{
    (void)opaque;
    ((struct timer *)timer)->due_ms = 0;
}

static void timer_mod(void *timer, int64_t due_ms, void *opaque)
{
    (void)opaque;
    ((struct timer *)timer)->due_ms = due_ms;
}

static void no_descriptor(int fd, void *opaque)
{
    (void)fd;
    (void)opaque;
}

static void no_notice(void *opaque)
{
    (void)opaque;
}

static int watch(int fd, int events, void *opaque)
{
    (void)opaque;
    if (watched_count == DESCRIPTORS)
        abort();
    watched[watched_count].fd = fd;
    watched[watched_count].events = (short)((events & SLIRP_POLL_IN ? POLLIN : 0) | (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
                                            (events & SLIRP_POLL_PRI ? POLLPRI : 0));
    watched[watched_count].revents = 0;
    return watched_count++;
}

static int happened(int index, void *opaque)
{
    (void)opaque;
    int events = watched[index].revents;
    return (events & POLLIN ? SLIRP_POLL_IN : 0) | (events & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (events & POLLPRI ? SLIRP_POLL_PRI : 0) | (events & POLLERR ? SLIRP_POLL_ERR : 0) |
           (events & POLLHUP ? SLIRP_POLL_HUP : 0);
}

/* --- the applications ---------------------------------------------------------------------------------------------------- */

static union slirp_sockaddr loopback(unsigned port)
{
    union slirp_sockaddr address;
    memset(&address, 0, sizeof address);
    if (v6) {
        address.sin6.sin6_family = AF_INET6;
        address.sin6.sin6_addr = in6addr_loopback;
        address.sin6.sin6_port = htons((uint16_t)port);
    } else {
        address.sin.sin_family = AF_INET;
        address.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin.sin_port = htons((uint16_t)port);
    }
    return address;
}

static socklen_t address_length(void)
{
    return v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static int new_socket(unsigned port)
{
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1, buffer = RECEIVE_BUFFER;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    union slirp_sockaddr address = loopback(port);
    if (port && bind(fd, &address.sa, address_length()) != 0)
        perror("bind");
    return fd;
}

static struct conn *new_conn(const char *id, int fd, bool reading)
{
    if (conn_count == CONNS)
        abort();
    struct conn *conn = &conns[conn_count++];
    snprintf(conn->id, sizeof conn->id, "%s", id);
    conn->fd = fd;
    conn->reading = reading;
    return conn;
}

static unsigned port_of(int fd, int (*ask)(int, struct sockaddr *, socklen_t *))
{
    union slirp_sockaddr address;
    socklen_t length = sizeof address;
    if (ask(fd, &address.sa, &length) != 0)
        return 0;
    return ntohs(v6 ? address.sin6.sin6_port : address.sin.sin_port);
}

/* listen PORT READING */
static void command_listen(char **words)
{
    if (listener_count == LISTENERS)
        abort();
    int fd = new_socket((unsigned)atoi(words[1]));
    listen(fd, 16);
    listeners[listener_count].fd = fd;
    listeners[listener_count].reading = atoi(words[2]);
    listeners[listener_count++].port = atoi(words[1]);
}

/* connect ID ADDRESS PORT OWN-PORT READING */
static void command_connect(char **words)
{
    static unsigned forward = FIRST_FORWARD;
    union slirp_sockaddr here = loopback(++forward), there = guest;
    if (v6)
        there.sin6.sin6_port = htons((uint16_t)atoi(words[3]));
    else
        there.sin.sin_port = htons((uint16_t)atoi(words[3]));
    if (slirp_add_hostxfwd(slirp, &here.sa, address_length(), &there.sa, address_length(), 0) != 0)
        perror("slirp_add_hostxfwd");
    struct conn *conn = new_conn(words[1], new_socket((unsigned)atoi(words[4])), atoi(words[5]));
    conn->connecting = true;
    conn->peer_port = (unsigned)atoi(words[3]);
    connect(conn->fd, &here.sa, address_length());
    conn->own_port = port_of(conn->fd, getsockname);
}

static void let_go(struct conn *conn, bool reset)
{
    struct linger linger = {1, 0};
    if (reset)
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(conn->fd);
    conn->fd = -1;
}

static void command_on_conn(struct conn *conn, char **words)
{
    const char *what = words[0];
    if (strcmp(what, "send") == 0) {
        conn->to_send += (unsigned)atoi(words[2]);
    } else if (strcmp(what, "read") == 0) {
        conn->reading = atoi(words[2]);
    } else if (strcmp(what, "close") == 0) {
        let_go(conn, false);
    } else if (strcmp(what, "shut") == 0) {
        shutdown(conn->fd, SHUT_WR);
    } else if (strcmp(what, "abort") == 0) {
        let_go(conn, true);
    } else if (strcmp(what, "keepalive") == 0) {
        conn->idle_ms = (unsigned)atoi(words[2]);
        conn->interval_ms = (unsigned)atoi(words[3]);
        conn->probes = (unsigned)atoi(words[4]);
        slirp_do_keepalive = true;
    }
}

static void command(char **words)
{
    if (strcmp(words[0], "listen") == 0) {
        command_listen(words);
    } else if (strcmp(words[0], "connect") == 0) {
        command_connect(words);
    } else {
        int i = conn_count - 1;
        while (i >= 0 && strcmp(conns[i].id, words[1]) != 0)
            i--;
        if (i >= 0 && conns[i].fd >= 0)
            command_on_conn(&conns[i], words);
    }
    end_say("ok");
}

static void accept_all(void)
{
    for (int i = 0; i < listener_count; i++) {
        int fd = accept4(listeners[i].fd, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0)
            continue;
        char id[16];
        snprintf(id, sizeof id, "a%d", accepted_count++);
        struct conn *conn = new_conn(id, fd, listeners[i].reading);
        conn->own_port = (unsigned)listeners[i].port;
        end_say("ev accepted %s %d", id, listeners[i].port);
    }
}

static void receive(struct conn *conn)
{
    static char buffer[65536];
    ssize_t count = recv(conn->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count > 0) {
        end_say("ev got %s %zd", conn->id, count);
    } else if (count == 0) {
        conn->ended = true;
        end_say("ev end %s", conn->id);
    } else if (errno != EAGAIN) {
        conn->ended = true;
        end_say("ev error %s %d", conn->id, errno);
    }
}

static void serve(struct conn *conn)
{
    static char filler[65536];
    if (conn->connecting) {
        struct pollfd ready = {conn->fd, POLLOUT, 0};
        if (poll(&ready, 1, 0) <= 0)
            return;
        conn->connecting = false;
        end_say("ev connected %s", conn->id);
    }
    if (conn->reading && !conn->ended)
        receive(conn);
    if (conn->to_send == 0)
        return;
    memset(filler, 'x', sizeof filler);
    ssize_t count = send(conn->fd, filler, MIN(conn->to_send, sizeof filler), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0)
        conn->to_send -= (unsigned)count;
    else if (errno != EAGAIN)
        conn->to_send = 0;
}

/*
 * libslirp waits for hours before it probes. A connection with shorter times has its timer put forward; after its last probe
 * its idle time is put forward to where libslirp gives up. Probe and reset are libslirp's own.
 */
static void keep_alive(const struct conn *conn)
{
    struct tcpcb *tp = NULL;
    for (struct socket *so = slirp->tcb.so_next; conn->idle_ms && so != &slirp->tcb && !tp; so = so->so_next)
        if (so->so_tcpcb && ntohs(so->so_fport) == conn->own_port)
            tp = so->so_tcpcb;
    if (tp == NULL || tp->t_state < TCPS_ESTABLISHED)
        return;
    unsigned idle_ms = (unsigned)tp->t_idle * TICK_MS;
    short wait = (short)((idle_ms < conn->idle_ms ? conn->idle_ms : conn->interval_ms) / TICK_MS);
    if (tp->t_timer[TCPT_KEEP] > wait)
        tp->t_timer[TCPT_KEEP] = wait;
    if (idle_ms >= conn->idle_ms + conn->probes * conn->interval_ms)
        tp->t_idle = TCPTV_KEEP_IDLE + TCP_MAXIDLE;
}

/* --- the loop ------------------------------------------------------------------------------------------------------------ */

static void tell_states(void)
{
    static const char *const names[] = {"CLOSED",     "LISTEN",  "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT",
                                        "FIN-WAIT-1", "CLOSING", "LAST-ACK", "FIN-WAIT-2",   "TIME-WAIT"};
    end_states_begin();
    for (struct socket *so = slirp->tcb.so_next; so != &slirp->tcb; so = so->so_next)
        if (so->so_tcpcb && so->so_tcpcb->t_state != TCPS_LISTEN && so->so_lport && so->so_fport)
            end_state(ntohs(so->so_fport), ntohs(so->so_lport), names[so->so_tcpcb->t_state]);
    end_states_end();
}

static void input(void)
{
    static uint8_t frame[4000];
    size_t length = end_receive(frame + ETHERNET, sizeof frame - ETHERNET);
    if (length == 0)
        return;
    const uint8_t host_mac[6] = {0x52, 0x55, 10, 0, 2, 2};
    memcpy(frame, host_mac, sizeof host_mac);
    memcpy(frame + 6, guest_mac, sizeof guest_mac);
    frame[12] = v6 ? 0x86 : 0x08;
    frame[13] = v6 ? 0xdd : 0x00;
    slirp_input(slirp, frame, (int)(length + ETHERNET));
}

static void run_timers(void)
{
    int64_t now_ms = clock_ns(NULL) / 1000000;
    for (int i = 0; i < timer_count; i++) {
        if (timers[i].due_ms && timers[i].due_ms <= now_ms) {
            timers[i].due_ms = 0;
            timers[i].handle(timers[i].argument);
        }
    }
}

static void start(const char *address, const char *peer)
{
    static const SlirpCb callbacks = {
        .send_packet = send_packet,
        .guest_error = guest_error,
        .clock_get_ns = clock_ns,
        .timer_new = timer_new,
        .timer_free = timer_free,
        .timer_mod = timer_mod,
        .register_poll_fd = no_descriptor,
        .unregister_poll_fd = no_descriptor,
        .notify = no_notice,
    };
    SlirpConfig config = {.version = 1, .in_enabled = !v6, .in6_enabled = v6, .if_mtu = 1500, .if_mru = 1500, .vhostname = "s"};
    guest = loopback(0);
    if (v6) {
        inet_pton(AF_INET6, address, &config.vhost6);
        inet_pton(AF_INET6, address, &config.vprefix_addr6);
        memset((uint8_t *)&config.vprefix_addr6 + 8, 0, 8);
        config.vprefix_len = 64;
        inet_pton(AF_INET6, peer, &guest.sin6.sin6_addr);
    } else {
        inet_aton(address, &config.vhost);
        inet_aton("255.255.255.0", &config.vnetmask);
        config.vnetwork.s_addr = config.vhost.s_addr & config.vnetmask.s_addr;
        config.vdhcp_start.s_addr = config.vnetwork.s_addr | htonl(200);
        config.vnameserver.s_addr = config.vnetwork.s_addr | htonl(199);
        inet_aton(peer, &guest.sin.sin_addr);
    }
    slirp = slirp_new(&config, &callbacks, NULL);
    if (slirp == NULL)
        exit(1);
    uint8_t mac[6];
    memcpy(mac, guest_mac, sizeof mac);
    if (v6)
        ndp_table_add(slirp, guest.sin6.sin6_addr, mac);
    else
        arp_table_add(slirp, guest.sin.sin_addr.s_addr, mac);
}

int main(int count, char **arguments)
{
    if (count < 5)
        return 2;
    end_start(arguments[4]);
    signal(SIGPIPE, SIG_IGN); /* applications may be gone before libslirp writes to them */
    v6 = strchr(arguments[1], ':') != NULL;
    start(arguments[1], arguments[2]);
    end_say("ready");
    for (;;) {
        watched_count = 0;
        watch(STDIN_FILENO, SLIRP_POLL_IN, NULL);
        watch(end_link(), SLIRP_POLL_IN, NULL);
        uint32_t timeout_ms = LONGEST_SLEEP_MS;
        slirp_pollfds_fill(slirp, &timeout_ms, watch, NULL);
        poll(watched, (nfds_t)watched_count, (int)MIN(timeout_ms, LONGEST_SLEEP_MS));
        bool commands = watched[0].revents, packets = watched[1].revents;
        slirp_pollfds_poll(slirp, 0, happened, NULL);
        tell_states();
        if (packets)
            input();
        tell_states();
        if (commands)
            end_commands(command);
        run_timers();
        accept_all();
        for (int i = 0; i < conn_count; i++) {
            if (conns[i].fd < 0)
                continue;
            serve(&conns[i]);
            keep_alive(&conns[i]);
        }
        tell_states();
    }
}
