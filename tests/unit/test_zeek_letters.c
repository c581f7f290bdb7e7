/* test_zeek_letters.c - tests of tl_zeek: the letters of the history, their order, and how often they come.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Expected histories are worked out by hand from docs/zeek.md. Letter C is never given: tcplife does not check
 * checksums. Letter X is never given: it stands for a limit of Zeek itself.
 */
#include "tl_test_zeek.h"

enum { C, S };

static void is(const char *packets, const char *expected)
{
    z_check(&plain_ports, packets, expected);
}

/* A handshake: S and h and A. */
#define OPEN "CS SH CA "

/* ---- letters of the flags ------------------------------------------------------------------------------------------------------ */

static void case_tells_the_sender(void **state)
{
    (void)state;
    is(OPEN "CD SA SD CA CF SF", "SF ShADadFf");
    is(OPEN "SR", "RSTR ShAr");
    is(OPEN "CX:FR", "RSTO ShAI");
    is(OPEN "SX:FR", "RSTR ShAi");
    is(OPEN "CX:SF", "S2 ShAQ");
    is(OPEN "SX:SR", "RSTR ShAq");
    is(OPEN "SX:SFR", "RSTR ShAi"); /* FIN and RST together are I whatever else */
}

static void payload_gives_d_only_without_syn_fin_rst(void **state)
{
    (void)state;
    is("CS+5", "S0 ST");
    is(OPEN "CF+5", "S2 ShAF");
    is(OPEN "CR+5", "RSTO ShART");
    is(OPEN "CN+5", "S1 ShAD"); /* without the ACK flag too */
    is(OPEN "CN", "S1 ShA");    /* neither payload nor ACK: no letter */
}

static void a_d_i_q_come_once(void **state)
{
    (void)state;
    is(OPEN "CA CD CD CA SA SD SD SA", "S1 ShADad");
    is(OPEN "CX:FR CX:FR@9", "RSTO ShAI");
    is(OPEN "CX:SF CX:SF@90", "S2 ShAQ");
}

static void s_h_f_r_come_again_with_another_number(void **state)
{
    (void)state;
    /* A SYN with another number restarts the numbers until the end has closed, so that the number stays the same. */
    is("CS CS@7", "S0 S");
    is("CS SH SH@7", "S1 Sh");
    is(OPEN "CF CS@0", "S2 ShAF");
    is(OPEN "CF CS@70", "S2 ShAFS");
    is(OPEN "CF CS@70 CS@70", "S2 ShAFS");
    is(OPEN "CF CS@70 CS@71", "S2 ShAFSS");
    is(OPEN "SF SH@70", "S3 ShAfh");
    is(OPEN "CF CF@1", "S2 ShAF");
    is(OPEN "CF CF@9", "S2 ShAFF");
    is(OPEN "CF CF@9 CF@1", "S2 ShAFFF"); /* the last one counts, not all */
    is(OPEN "Cr Cr@1 Cr@2", "RSTO ShARR");
    is(OPEN "Sr Sr@1 Sr@2", "RSTR ShArr");
}

static void f_is_numbered_behind_its_payload(void **state)
{
    (void)state;
    is(OPEN "CF@11 CF@1+10", "S2 ShAFT"); /* the same F; its payload lies below the highest end */
    is(OPEN "CF@1+10 CF@1", "S2 ShAFF");
}

/* ---- W -------------------------------------------------------------------------------------------------------------------------- */

static void w_for_a_closed_window(void **state)
{
    (void)state;
    is("CSw", "S0 SW");
    is("CS SHw CAw SAw", "S1 ShwAWa"); /* behind the letter of the flags; one W for each end until the tenth */
    is(OPEN "Crw", "RSTO ShAR");       /* not on a RST */
    is(OPEN "SF CAw", "S3 ShAf");      /* not once the other end has closed */
    is(OPEN "CF CAw", "S2 ShAFW");     /* though its own end has */
    is(OPEN "CR CDw", "RSTO ShARD");   /* not once this end has reset */
}

/* ---- T -------------------------------------------------------------------------------------------------------------------------- */

static void t_for_payload_not_above_the_highest_end(void **state)
{
    (void)state;
    is(OPEN "CD@1 CD@1", "S1 ShADT");
    is(OPEN "CD@1 CD@2", "S1 ShAD"); /* one octet above */
    is(OPEN "CD@1 CD@11 CD@6", "S1 ShADT");
    is(OPEN "CD@11 CD@1", "S1 ShADT");   /* out of order is the same to Zeek */
    is(OPEN "CD@1 CN@10+1", "S1 ShADT"); /* a keep-alive with its octet */
    is(OPEN "CD@1 CA@10", "S1 ShAD");    /* and one without */
    is(OPEN "SD@1 SD@1", "S1 ShAdt");
    is("CD CD@0", "OTH DT"); /* begun mid-stream: its first payload is new */
}

static void t_not_for_repeated_flags(void **state)
{
    (void)state;
    is("CS CS@0", "S0 S");
    is(OPEN "CF CF@1", "S2 ShAF");
}

static void t_on_the_first_syn_with_payload(void **state)
{
    (void)state;
    is("CS+5 SH", "S1 STh");
    is("CS SH+5", "S1 Sht");
}

/* threshold: FAR_BYTES */
static void t_not_far_away_with_syn_or_rst(void **state)
{
    (void)state;
    /* 2^20 = 1048576 below the highest end, which is 1 behind the SYN; the octets of a RST do not count. */
    is(OPEN "CD CD CD CR@-1048545+9", "RSTO ShADRT");
    is(OPEN "CD CD CD CR@-1048546+9", "RSTO ShADR");
}

static void t_not_with_the_first_fin_of_an_end_that_sent_nothing(void **state)
{
    (void)state;
    is(OPEN "CF@-5+3", "S2 ShAF"); /* highest end still behind the SYN */
    is(OPEN "CD CF@-5+3", "S2 ShADFT");
}

static void t_not_after_the_own_rst(void **state)
{
    (void)state;
    is(OPEN "CD CR CD@1", "RSTO ShADR");
    is(OPEN "CD SR CD@1", "RSTR ShADrT"); /* after the other's */
}

/* ---- G -------------------------------------------------------------------------------------------------------------------------- */

static void g_for_a_hole_that_was_acknowledged(void **state)
{
    (void)state;
    is(OPEN "CD@11 SA^21", "S1 ShADaG"); /* of the direction with the hole, behind the letter of the ACK */
    is(OPEN "SD@11 CA^21", "S1 ShAdg");
    is(OPEN "CD@11 SA^11", "S1 ShADaG"); /* to the end of the hole */
    is(OPEN "CD@11 SA^1", "S1 ShADa");
    is(OPEN "CD@11 CD@1 SA^21", "S1 ShADTa"); /* filled before */
    is(OPEN "SA^11", "S1 ShAaG");             /* nothing at all was captured */
    is(OPEN "SA^11 CD@1", "S1 ShAaGD");       /* filled too late */
}

static void g_counts_each_hole(void **state)
{
    struct z_talk z;

    (void)state;
    z_begin(&z, &plain_ports);
    z_say(&z, OPEN "CD@11 CD@31 SA^41");
    assert_int_equal(z.zeek.endpoint[C].gaps, 2);
    z_say(&z, "CD@51 SA^71"); /* one below the piece, one above */
    assert_int_equal(z.zeek.endpoint[C].gaps, 4);
    z_say(&z, "SA^71 SA^41");
    assert_int_equal(z.zeek.endpoint[C].gaps, 4);
    assert_int_equal(z.zeek.endpoint[S].gaps, 0);
}

/* TL_ZEEK_PIECES_MAX is 2: with a third piece above a hole, the hole below the highest counts as filled. */
/* threshold: TL_ZEEK_PIECES_MAX */
static void more_pieces_than_are_kept_hide_a_hole(void **state)
{
    struct z_talk z;

    (void)state;
    z_begin(&z, &plain_ports);
    z_say(&z, OPEN "CD@11 CD@31 CD@21 SA^41"); /* two pieces, joined by a third packet */
    assert_int_equal(z.zeek.endpoint[C].gaps, 1);
    z_begin(&z, &plain_ports);
    z_say(&z, OPEN "CD@11 CD@31 CD@51 SA^61");
    assert_int_equal(z.zeek.endpoint[C].gaps, 2);
    z_begin(&z, &plain_ports);
    z_say(&z, OPEN "CD@51 CD@11 CD@31 SA^61"); /* in whatever order they come */
    assert_int_equal(z.zeek.endpoint[C].gaps, 2);
}

static void pieces_are_joined(void **state)
{
    static const char *const orders[] = {
        "CD@11 CD@31 CD@21", "CD@31 CD@11 CD@21", "CD@11 CD@31 CD@15+20", "CD@11 CD@31 CD@5+60",
        "CD@11+30 CD@21",    "CD@21 CD@11+30",    "CD@11 CD@11+30",       "CD@31 CD@11+25",
    };

    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct z_talk z;

        z_begin(&z, &plain_ports);
        z_say(&z, OPEN);
        z_say(&z, orders[i]);
        assert_int_equal(z.zeek.endpoint[C].pieces, 1);
        z_say(&z, "CD@1 SA^41"); /* up to 11: fills the hole */
        assert_int_equal(z.zeek.endpoint[C].pieces, 0);
        assert_int_equal(z.zeek.endpoint[C].gaps, 0);
    }
}

static void g_not_for_the_fin(void **state)
{
    (void)state;
    is(OPEN "CF SA^2", "S2 ShAFa");
    is(OPEN "CF SA^9", "S2 ShAFa");      /* an ACK beyond it says nothing */
    is(OPEN "CF@11 SA^12", "S2 ShAFaG"); /* octets below it do */
}

static void g_only_in_a_clean_connection(void **state)
{
    (void)state;
    is(OPEN "CF SA^2 SD@11 CA^21", "S2 ShAFadg"); /* closed out of ESTABLISHED is clean */
    is(OPEN "SD@11 CR^21", "RSTO ShAdR");         /* the state after this packet counts */
    is(OPEN "SD@11 SR CA^21", "RSTR ShAdr");
    is("CD SD@11 CA^21 CA^21", "OTH DdA"); /* both PARTIAL */
    is("CF SD@5 CA@2^30", "SH FdA");       /* closed, but not out of ESTABLISHED */
}

/* An ACK before the SYN-ACK makes the connection partial for Zeek, although both ends open; then a hole of one octet counts as a
 * keep-alive that began the capture. */
static void g_not_for_the_first_octet_of_a_partial_connection(void **state)
{
    (void)state;
    is("CS SA SH CA^1", "S1 SahA");
    is("CS SA SH CA^2", "S1 SahA");
    is("CS SA SH CA^3", "S1 SahAg");
    is("CS SH CA^2", "S1 ShAg");
}

/* ---- order and number ------------------------------------------------------------------------------------------------------------- */

static void order_within_a_packet(void **state)
{
    (void)state;
    is(OPEN "SD@11 CD@1^1 CD@1^21w", "S1 ShAdDWTg");
    is("CS+5w", "S0 SWT");
    is("SHw^1 CS@0+5w", "S1 HWswt^"); /* T before the turn of the roles, so in lower case */
}

/* threshold: append_scaled */
static void scaled_letters_come_at_powers_of_ten(void **state)
{
    static const struct {
        unsigned times;
        const char *closed_windows, *again;
    } rows[] = {
        {1, "S1 ShAW", "S1 ShADT"},       {9, "S1 ShAW", "S1 ShADT"},          {10, "S1 ShAWW", "S1 ShADTT"},
        {11, "S1 ShAWW", "S1 ShADTT"},    {99, "S1 ShAWW", "S1 ShADTT"},       {100, "S1 ShAWWW", "S1 ShADTTT"},
        {999, "S1 ShAWWW", "S1 ShADTTT"}, {1000, "S1 ShAWWWW", "S1 ShADTTTT"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct z_talk w, t;

        z_begin(&w, &plain_ports);
        z_begin(&t, &plain_ports);
        z_say(&w, OPEN);
        z_say(&t, OPEN "CD@1");
        for (unsigned n = 0; n < rows[i].times; n++) {
            z_say(&w, "CAw");
            z_say(&t, "CD@1");
        }
        z_is(&w, "closed windows", rows[i].closed_windows);
        z_is(&t, "retransmissions", rows[i].again);
        z_say(&w, "SAw");
        z_say(&t, "SD@1 SD@1");
        assert_int_equal(w.zeek.letters[w.zeek.count - 1], 'w'); /* each end and letter has its own count */
        assert_int_equal(t.zeek.letters[t.zeek.count - 1], 't');
    }
}

static void ten_gaps_give_a_second_g(void **state)
{
    struct z_talk z;

    (void)state;
    z_begin(&z, &plain_ports);
    z_say(&z, OPEN);
    for (unsigned n = 0; n < 9; n++) {
        char packets[64];

        snprintf(packets, sizeof packets, "CD@%u SA^%u", 20 * n + 11, 20 * n + 21);
        z_say(&z, packets);
    }
    z_is(&z, "nine gaps", "S1 ShADaG");
    z_say(&z, "SA^300");
    z_is(&z, "ten gaps", "S1 ShADaGG");
}

/* TL_ZEEK_LETTERS_MAX: 47 letters, and "..." instead of the others. */
/* threshold: TL_ZEEK_LETTERS_MAX */
static void a_long_history_is_cut(void **state)
{
    char exact[TL_ZEEK_HISTORY_SIZE] = "S", text[128];
    struct z_talk z;

    (void)state;
    z_begin(&z, &plain_ports);
    z_say(&z, "CS");
    for (unsigned n = 1; n < TL_ZEEK_LETTERS_MAX; n++) {
        char packet[16];

        snprintf(packet, sizeof packet, "Cr@%u", n);
        z_say(&z, packet);
        strcat(exact, "R");
    }
    snprintf(text, sizeof text, "RSTOS0 %s", exact);
    z_is(&z, "47 letters", text);
    z_say(&z, "Cr@900");
    snprintf(text, sizeof text, "RSTOS0 %s...", exact);
    z_is(&z, "48 letters", text);
    z_say(&z, "Cr@901");
    z_is(&z, "49 letters", text);
}

static void a_history_fits_any_buffer(void **state)
{
    char small[4], none[1] = {'x'};
    struct z_talk z;

    (void)state;
    z_begin(&z, &plain_ports);
    z_say(&z, OPEN "CD");
    tl_zeek_history(&z.zeek, small, sizeof small);
    assert_string_equal(small, "ShA");
    tl_zeek_history(&z.zeek, none, 0);
    assert_int_equal(none[0], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_tells_the_sender),
        cmocka_unit_test(payload_gives_d_only_without_syn_fin_rst),
        cmocka_unit_test(a_d_i_q_come_once),
        cmocka_unit_test(s_h_f_r_come_again_with_another_number),
        cmocka_unit_test(f_is_numbered_behind_its_payload),
        cmocka_unit_test(w_for_a_closed_window),
        cmocka_unit_test(t_for_payload_not_above_the_highest_end),
        cmocka_unit_test(t_not_for_repeated_flags),
        cmocka_unit_test(t_on_the_first_syn_with_payload),
        cmocka_unit_test(t_not_far_away_with_syn_or_rst),
        cmocka_unit_test(t_not_with_the_first_fin_of_an_end_that_sent_nothing),
        cmocka_unit_test(t_not_after_the_own_rst),
        cmocka_unit_test(g_for_a_hole_that_was_acknowledged),
        cmocka_unit_test(g_counts_each_hole),
        cmocka_unit_test(more_pieces_than_are_kept_hide_a_hole),
        cmocka_unit_test(pieces_are_joined),
        cmocka_unit_test(g_not_for_the_fin),
        cmocka_unit_test(g_only_in_a_clean_connection),
        cmocka_unit_test(g_not_for_the_first_octet_of_a_partial_connection),
        cmocka_unit_test(order_within_a_packet),
        cmocka_unit_test(scaled_letters_come_at_powers_of_ten),
        cmocka_unit_test(ten_gaps_give_a_second_g),
        cmocka_unit_test(a_long_history_is_cut),
        cmocka_unit_test(a_history_fits_any_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
