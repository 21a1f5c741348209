/* SPDX-License-Identifier: Apache-2.0 */
#include "topics.h"

#include "must.h"
#include "sheet.h"
#include "wire/welcome.h"

static const char about_handshake[] =
    "Each case is one handshake in the order of its messages. \"given\" is what comes from outside:\n"
    "randomness, exponents, keys, certificates, time; all else follows from it. The PSS salt of a\n"
    "signature stands beside it. \"header\" is every byte of the frame before the ciphertext,\n"
    "\"frame\" is header, ciphertext and tag. T(...) are transcript hashes of 5.1; \"counter block\"\n"
    "is the first one. \"X key\" and \"X mac key\" belong to the traffic secret X.";

void topic_login(const struct given *g)
{
    CLEANUP(connection_clear) struct connection receive = { 0 };
    CLEANUP(connection_clear) struct connection send = { 0 };
    const struct welcome welcome = welcome_of_login(g);
    sheet_open("login", "LOGIN", about_handshake);

    connection_start(&receive, g, "login to receive", DH_FFDHE3072, CLIENT_AUTH_RECEIVE);
    handshake_case(g, &receive, &welcome, "LOGIN to receive, ffdhe3072",
                   "Every byte of it is printed. ServerHello lists a nonce; its bytes are as "
                   "good as any to all but the CA's process.");

    sheet_abridge(1400);
    connection_start(&send, g, "login to send", DH_FFDHE2048, CLIENT_AUTH_SEND);
    send.client_config.features = 5;
    handshake_case(g, &send, &welcome, "LOGIN to send, ffdhe2048",
                   "It names two features that nobody defines. From here on a value of more than "
                   "1400 bytes is printed as its SHA-256; the JSON has all of it.");
    sheet_close();
}

void topic_enrol(const struct given *g)
{
    static const struct invite invite = {
        .id = { 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17 },
        .token = { 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c,
                   0x2d, 0x2e, 0x2f },
    };
    CLEANUP(connection_clear) struct connection c = { 0 };
    struct welcome welcome = welcome_of_login(g);
    welcome.result = WELCOME_ISSUED;
    welcome.certificate = buf_span(&g->enrolled.der);
    sheet_open("enrol", "ENROL", about_handshake);
    connection_start(&c, g, "enrol", DH_FFDHE3072, CLIENT_AUTH_ENROL);
    c.client_config.key = g->keys[KEY_ENROLLING];
    c.client_config.certificate = (struct span) { 0 };
    c.client_config.invite = &invite;
    must_ok(name_parse(span_str(GIVEN_NEW), &c.client_config.name));
    handshake_case(g, &c, &welcome, "ENROL with an invite, ffdhe3072",
                   "The key has 3072 bits. The request is signed with a salt of its own; the "
                   "certificate in the Welcome is that of 14.2, enrolled.");
    sheet_close();
}
