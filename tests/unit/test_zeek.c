/* test_zeek.c - tests of tl_zeek: originator, states of the ends, conn_state.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Expected words are worked out by hand from docs/zeek.md: who the originator is, the state of each end packet
 * by packet, then the first row of conn_state that fits.
 */
#include "tl_test_zeek.h"

struct row {
    const char *packets, *expected;
};

static void check_rows(const struct tl_endpoints *ends, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        z_check(ends, rows[i].packets, rows[i].expected);
    }
}

#define CHECK_ROWS(ends, rows) check_rows(ends, rows, sizeof(rows) / sizeof *(rows))

/* ---- conn_state: every row of its table ----------------------------------------------------------------------------------- */

static void nothing_is_said_before_the_first_packet(void **state)
{
    struct z_talk z;
    char history[4] = "xxx";

    (void)state;
    z_begin(&z, &plain_ports);
    assert_int_equal(tl_zeek_conn_state(&z.zeek), TL_ZEEK_STATE_NONE);
    tl_zeek_history(&z.zeek, history, sizeof history);
    assert_string_equal(history, "");
}

static void rejected(void **state)
{
    static const struct row rows[] = {
        {"CS SR", "REJ Sr"},             /* originator SYN_SENT */
        {"CH SR", "REJ Hr"},             /* originator SYN_ACK_SENT */
        {"CS Cr SR^1", "REJ SRr"},       /* both reset, no bytes */
        {"CS SH CF CR SR", "REJ ShFRr"}, /* SYN and FIN are no bytes */
        {"CS SH CD CR SR", "RSTR ShDRr"},
        {"CS SH SD Cr SR", "RSTR ShdRr"},
        {"CS SH SA^2 Cr SR", "RSTR ShaGRr"}, /* a byte that was acknowledged and not captured */
    };

    (void)state;
    CHECK_ROWS(&plain_ports, rows);
}

static void reset_by_the_responder(void **state)
{
    static const struct row rows[] = {
        {"CS SH SR", "RSTR Shr"}, {"CS SH CA CF SR", "RSTR ShAFr"}, {"CD SR", "RSTRH Dr"}, /* originator PARTIAL */
    };
    static const struct row known_port[] = {
        {"SH SR", "RSTRH ^hr"}, /* originator INACTIVE */
    };

    (void)state;
    CHECK_ROWS(&plain_ports, rows);
    CHECK_ROWS(&web_ports, known_port);
}

static void reset_by_the_originator(void **state)
{
    static const struct row rows[] = {
        {"CS CR", "RSTOS0 SR"},
        {"CS SA Cr", "RSTOS0 SaR"}, /* the responder, still INACTIVE, may give letters */
        {"CSw Cr", "RSTOS0 SWR"},
        {"CS Cr CF", "RSTOS0 SRF"}, /* what comes after the R does not matter */
        {"CS CA Cr", "OTH SAR"},    /* A H F G I Q of the originator do not stand between */
        {"CS CX:FR Cr", "OTH SIR"},
        {"CS CX:SF Cr", "OTH SQR"},
        {"CS CF Cr", "OTH SFR"},
        {"CH Cr", "OTH HR"},
        {"Cr", "OTH R"},
        {"CD SD CR", "OTH DdR"}, /* responder PARTIAL */
        {"CS SH CR", "RSTO ShR"},
        {"CS SH CA SF CR", "RSTO ShAfR"}, /* responder CLOSED */
    };
    static const struct row known_port[] = {
        {"SN CS Cr", "RSTOS0 ^SR"}, /* the packet without flags gives no letter, only the flip */
        {"SA CS Cr", "OTH ^aSR"},   /* the S must come first */
    };

    (void)state;
    CHECK_ROWS(&plain_ports, rows);
    CHECK_ROWS(&web_ports, known_port);
}

static void closed(void **state)
{
    static const struct row rows[] = {
        {"CS SH CA CF SF CA", "SF ShAFf"},
        {"CS SH CA SF CF SA", "SF ShAfFa"},
        {"CF SF", "SF Ff"},
        {"CS CF", "SH SF"},     /* responder INACTIVE */
        {"CS SD CF", "SH SdF"}, /* responder PARTIAL */
        {"CS SH CA CF", "S2 ShAF"},
        {"CS SH CA SF", "S3 ShAf"},
        {"CD SF", "SHR Df"}, /* originator PARTIAL */
    };
    static const struct row known_port[] = {
        {"SH SF", "SHR ^hf"}, /* originator INACTIVE */
    };

    (void)state;
    CHECK_ROWS(&plain_ports, rows);
    CHECK_ROWS(&web_ports, known_port);
}

static void not_closed(void **state)
{
    static const struct row rows[] = {
        {"CS", "S0 S"},      {"CS CS@0 CS@0", "S0 S"}, {"CS SH", "S1 Sh"},  {"CS SH CA CD SA", "S1 ShADa"},
        {"CS SD", "OTH Sd"}, {"CH", "OTH H"},          {"CD SA", "OTH Da"},
    };

    (void)state;
    CHECK_ROWS(&plain_ports, rows);
}

/* ---- states of an end: every row of their table ---------------------------------------------------------------------------- */

static void from_inactive(void **state)
{
    static const struct row rows[] = {
        {"CS", "S0 S"},                              /* SYN_SENT */
        {"CH", "OTH H"},                             /* SYN_ACK_SENT */
        {"CS SH", "S1 Sh"},                          /* the responder's SYN opens both */
        {"CS SS", "S1 Ss"},                          /* without the ACK flag too */
        {"CD SH", "OTH Dh"},                         /* PARTIAL is not opened by it */
        {"CF", "SH F"},                              /* CLOSED */
        {"CX:SF", "SH Q"},                           /* SYN_SENT, then CLOSED */
        {"Cr", "OTH R"},                             /* RESET */
        {"CX:FR", "OTH I"},                          /* RESET wins */
        {"CS SA", "S0 Sa"},                          /* an ACK before the SYN-ACK leaves it */
        {"CS SA SH", "S1 Sah"}, {"CS SD", "OTH Sd"}, /* payload does not: PARTIAL */
        {"CN SF", "SHR f"},                          /* PARTIAL, without a letter */
    };
    static const struct row known_port[] = {
        {"SH CA", "S1 ^hA"},    /* an ACK towards ESTABLISHED opens */
        {"SH CN+5", "OTH ^hD"}, /* without the ACK flag it does not */
    };

    (void)state;
    CHECK_ROWS(&plain_ports, rows);
    CHECK_ROWS(&web_ports, known_port);
}

static void from_syn_sent(void **state)
{
    static const struct row rows[] = {
        {"CS CF", "SH SF"},  {"CS Cr", "RSTOS0 SR"}, {"CS CX:FR", "OTH SI"}, /* RST wins */
        {"CS CH@0", "S0 S"}, /* S and H are one letter; only the responder's SYN opens */
        {"CS CD", "S0 SD"},  {"CH CF", "SH HF"},     {"CH Cr", "OTH HR"},
    };

    (void)state;
    CHECK_ROWS(&plain_ports, rows);
}

static void from_established_or_partial(void **state)
{
    static const struct row rows[] = {
        {"CD CS@0", "S0 DS"},      /* bare SYN of PARTIAL, the other INACTIVE: SYN_SENT */
        {"CD CH@0", "OTH DH"},     /* not with the ACK flag */
        {"CD SD CS@0", "OTH DdS"}, /* not when the other end was heard */
        {"CS SH CA CF", "S2 ShAF"},
        {"CS SH CA CX:FR", "RSTO ShAI"}, /* RST wins */
        {"CS SH CA CR", "RSTO ShAR"},
        {"CS SH CA CF CR SF", "SF ShAFRf"}, /* the RST after its FIN is forgiven when the other FIN comes */
        {"CS SH CA CR SF", "RSTO ShARf"},   /* a RST without a FIN before is not */
        {"CS SH CA CS@0", "S1 ShA"},
    };

    (void)state;
    CHECK_ROWS(&plain_ports, rows);
}

static void from_closed(void **state)
{
    static const struct row rows[] = {
        {"CS SH CA CF CR", "RSTO ShAFR"},
        {"CS SH CA CF SF CR", "SF ShAFfR"}, /* both had closed */
        {"CS SH CA CF CF CD", "S2 ShAFFD"},
        {"CS SH CA CF CS@0", "S2 ShAF"},
    };

    (void)state;
    CHECK_ROWS(&plain_ports, rows);
}

static void reset_is_the_end(void **state)
{
    static const struct row rows[] = {
        {"CS SH CA CR CF", "RSTO ShARF"},
        {"CS SH CA CR CD", "RSTO ShARD"},
        {"CS SH CA CR CS@0", "RSTO ShAR"},
    };

    (void)state;
    CHECK_ROWS(&plain_ports, rows);
}

/* ---- originator -------------------------------------------------------------------------------------------------------------- */

static void a_known_port_is_the_responder(void **state)
{
    const struct tl_endpoints both = {.port = {22, 80}}, reversed = {.port = {80, 22}}, equal = {.port = {80, 80}};

    (void)state;
    z_check(&web_ports, "SD CD", "OTH ^dD");
    z_check(&web_ports, "SH CA", "S1 ^hA");
    z_check(&web_ports, "SF", "SHR ^f");
    z_check(&web_ports, "CD SD", "OTH Dd");
    z_check(&web_ports, "SS", "S0 S"); /* a bare SYN says who asks */
    z_check(&web_ports, "CH", "OTH H");
    z_check(&plain_ports, "SD", "OTH D");
    /* Both ports known: the sender must have the lower one, and a SYN-ACK is not turned. */
    z_check(&both, "CD", "OTH ^d");
    z_check(&both, "SD", "OTH D");
    z_check(&both, "CH", "OTH H");
    z_check(&reversed, "SD", "OTH ^d");
    z_check(&reversed, "CD", "OTH D");
    z_check(&equal, "CD", "OTH D");
}

/* The first and the last port of the table, and the neighbours of each. */
static void known_ports_are_those_of_the_table(void **state)
{
    static const struct {
        uint16_t port;
        bool known;
    } ports[] = {
        {20, false},    {21, true},    {23, false},    {443, true},    {444, false},
        {19999, false}, {20000, true}, {20001, false}, {65535, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        const struct tl_endpoints ends = {.port = {40000, ports[i].port}};

        z_check(&ends, "SD", ports[i].known ? "OTH ^d" : "OTH D");
    }
}

static void an_ack_or_data_after_a_lone_synack_turns_it(void **state)
{
    static const struct row rows[] = {
        {"SH CA", "OTH ^hA"}, /* S stays SYN_ACK_SENT, C becomes PARTIAL */
        {"SH SD", "OTH ^hd"}, /* one direction only */
        {"SH CA CF SF", "SF ^hAFf"}, {"SH CA Cr", "RSTO ^hAR"},
        {"SH Cr", "REJ Hr"},                                     /* a RST does not turn it, nor a FIN: that may be a scan */
        {"SH CF", "S3 Hf"},          {"SHw CA", "OTH HWa"},      /* not exactly H */
        {"SH SH@0 CA", "OTH ^hA"},   {"SH CA SH@0", "OTH ^hAh"}, /* what was noted for the role is not turned */
    };

    (void)state;
    CHECK_ROWS(&plain_ports, rows);
}

static void a_syn_after_its_synack_turns_it(void **state)
{
    static const struct row rows[] = {
        {"SH^1 CS@0", "S1 Hs^"}, {"SH^1 CS@0 CA SD", "S1 Hs^Ad"}, {"SH^1 CS@0 CA CF SF", "SF Hs^AFf"},
        {"SH^7 CS@0", "OTH Hs"}, /* another SYN than the one acknowledged: the responder opens, S stays SYN_ACK_SENT */
        {"SH^1 CH@0", "OTH Hh"},
    };
    struct z_talk z;

    (void)state;
    CHECK_ROWS(&plain_ports, rows);
    z_begin(&z, &plain_ports);
    z_say(&z, "SH^1");
    assert_int_equal(z.zeek.originator, 1);
    z_say(&z, "CS@0");
    assert_int_equal(z.zeek.originator, 0);
}

/* ---- numbers ------------------------------------------------------------------------------------------------------------------ */

/* The same conversation wherever the numbers of an end wrap. */
static void numbers_wrap(void **state)
{
    static const char packets[] = "CS SH CA CD SA SD CA CD@1 SF CA CF SA";

    (void)state;
    for (uint32_t back = 0; back < 40; back++) {
        struct z_talk z;

        z_begin(&z, &plain_ports);
        z.isn[0] = 0 - back;
        z.isn[1] = 20 - back;
        z_say(&z, packets);
        z_is(&z, packets, "SF ShADadTfF");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_before_the_first_packet),
        cmocka_unit_test(rejected),
        cmocka_unit_test(reset_by_the_responder),
        cmocka_unit_test(reset_by_the_originator),
        cmocka_unit_test(closed),
        cmocka_unit_test(not_closed),
        cmocka_unit_test(from_inactive),
        cmocka_unit_test(from_syn_sent),
        cmocka_unit_test(from_established_or_partial),
        cmocka_unit_test(from_closed),
        cmocka_unit_test(reset_is_the_end),
        cmocka_unit_test(a_known_port_is_the_responder),
        cmocka_unit_test(known_ports_are_those_of_the_table),
        cmocka_unit_test(an_ack_or_data_after_a_lone_synack_turns_it),
        cmocka_unit_test(a_syn_after_its_synack_turns_it),
        cmocka_unit_test(numbers_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
