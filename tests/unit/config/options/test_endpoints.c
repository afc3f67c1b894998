#include "config/options/endpoints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host; /* host NULL: refused */
        int port;
    } cases[] = {
        {"localhost", "localhost", 0},
        {"kafka-1.example.net:9092", "kafka-1.example.net", 9092},
        {"127.0.0.1:1", "127.0.0.1", 1},
        {"[::1]:65535", "::1", 65535},
        {"[2001:db8::7]", "2001:db8::7", 0},
        {"my_host:80", "my_host", 80},
        {"", NULL, 0},
        {":9092", NULL, 0},
        {"host:", NULL, 0},
        {"host:0", NULL, 0},
        {"host:65536", NULL, 0},
        {"host:99999999999999", NULL, 0},
        {"host:80x", NULL, 0},
        {"host name:80", NULL, 0},
        {"::1:80", NULL, 0},
        {"[::1", NULL, 0},
        {"[]:80", NULL, 0},
        {"[::1]80", NULL, 0},
        {"[zz!]:80", NULL, 0},
        {"user@host", NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct endpoint got = {NULL, 0, -1};
        const char *fault = endpoint_split(&got, cases[i].text, strlen(cases[i].text));
        if ((fault == NULL) != (cases[i].host != NULL))
            fail_msg("%s: %s", cases[i].text, fault == NULL ? "accepted" : fault);
        if (fault != NULL) {
            assert_null(got.host); /* nothing is given with a fault */
            continue;
        }
        assert_int_equal(got.host_size, strlen(cases[i].host));
        assert_memory_equal(got.host, cases[i].host, got.host_size);
        assert_int_equal(got.port, cases[i].port);
    }
}

static void test_loopback(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool loopback;
    } cases[] = {
        {"localhost:8086", true},     {"LocalHost", true},   {"127.0.0.1:1", true},
        {"127.255.0.9", true},        {"[::1]:80", true},    {"localhost.example.net", false},
        {"127.example.net", false},   {"127", false},        {"[::2]", false},
        {"[2001:db8::1:1]", false},   {"10.127.0.1", false}, {"local", false},
        {"db.example.net:80", false}, {"0.0.0.0", false},    {"my-localhost", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct endpoint got;
        assert_null(endpoint_split(&got, cases[i].text, strlen(cases[i].text)));
        if (endpoint_is_loopback(&got) != cases[i].loopback)
            fail_msg("%s", cases[i].text);
    }
}

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool good;
    } cases[] = {
        {"http://localhost:8086", true},
        {"https://db.example.net", true},
        {"HTTP://db.example.net/prefix/", true},
        {"http://[::1]:8086/", true},
        {"", false},
        {"localhost:8086", false},
        {"ftp://localhost", false},
        {"http://", false},
        {"http:///path", false},
        {"http://:80", false},
        {"http://host:port", false},
        {"http://user:word@host", false},
        {"http://host/write?p=word", false},
        {"http://host/#part", false},
        {"http://host/a b", false},
        {"http://host\\path", false},
        {"http://host:", false},
        {"http://host:0", false},
        {"http://host:65535/", true},
        {"http://host:65536/", false},
        {"http://host:80:80", false},
        {"http:/host", false},
        {"http:host", false},
        {"http://host/?", false},
        {"http://user@host", false},
        {"http://[2001:db8::7]/prefix", true},
        {"http://[::zz]/", false},
        {"http://[1::2::3]/", false},
        {"http://[12345::]/", false},
        {"http://[::1", false},
        {"http://[::1]80", false},
        {"http://[fe80::1%25eth0]:80", false},
        {"http://ho%73t/", false},
        {"http://host/a%20b", true},
        {"http://h\xc3\xb6st/", false},
        {"http://host/\x01", false},
        {"http://host/a\nb", false},
        {"http://host/\x7f", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if ((url_fault(cases[i].url) == NULL) != cases[i].good)
            fail_msg("%s", cases[i].url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
