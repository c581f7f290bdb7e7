/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lwIP's configuration: TCP over IPv4 and IPv6 and nothing else; LAB_FULL adds SACK, timestamps and window scaling. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_IPV4 1
#define LWIP_IPV6 1
#define LWIP_IPV6_AUTOCONFIG 0
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_IPV6_MLD 0
#define LWIP_IPV6_FRAG 0
#define LWIP_IPV6_REASS 0
#define LWIP_ARP 0
#define LWIP_DHCP 0
#define LWIP_DNS 0
#define LWIP_UDP 0
#define LWIP_TCP 1
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 8
#define TCP_MSS 1440
#define TCP_WND (20 * TCP_MSS)
#define TCP_SND_BUF (40 * TCP_MSS)
#define TCP_SND_QUEUELEN 160
#define MEMP_NUM_TCP_SEG 400
#define TCP_QUEUE_OOSEQ 1
#define LWIP_TCP_KEEPALIVE 1
#define SO_REUSE 1
#define LWIP_NETIF_LOOPBACK 0
#define LWIP_STATS 1
#define MIB2_STATS 1
#ifdef LAB_FULL
#define LWIP_TCP_TIMESTAMPS 1
#define LWIP_TCP_SACK_OUT 1
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 2
#endif

#endif
