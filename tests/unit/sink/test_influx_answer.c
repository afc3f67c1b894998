#include "pipelines/sink/influx_answer.h"

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define V1 DIALECT_INFLUX1
#define V2 DIALECT_INFLUX2
#define VM DIALECT_VICTORIA

struct answer_case {
    const char *name;
    enum sink_dialect dialect;
    int status;
    const char *body;
    enum verdict verdict;
    uint32_t rejected;
    const char *words;
};

static void check(const struct answer_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct influx_answer answer;
        influx_answer_judge(&answer, cases[i].dialect, cases[i].status, cases[i].body,
                            strlen(cases[i].body));
        if (answer.verdict != cases[i].verdict || answer.rejected != cases[i].rejected ||
            strcmp(answer.words, cases[i].words) != 0)
            fail_msg("%s: %s, %u rejected, words \"%s\"", cases[i].name,
                     verdict_name(answer.verdict), answer.rejected, answer.words);
    }
}

/* The bodies as InfluxDB 1.6.7 sends them. */
static void test_influx1(void **state)
{
    (void)state;
    static const struct answer_case cases[] = {
        {"stored", V1, 204, "", VERDICT_DONE, 0, ""},
        {"type conflict", V1, 400,
         "{\"error\":\"partial write: field type conflict: input field \\\"value\\\" on "
         "measurement "
         "\\\"em\\\" is type integer, already exists as type float dropped=1\"}\n",
         VERDICT_PARTIAL, 1,
         "partial write: field type conflict: input field 'value' on measurement 'em' is type "
         "integer, already exists as type float dropped=1"},
        {"some unparsable, dropped=0 is a lie", V1, 400,
         "{\"error\":\"partial write: unable to parse 'em,a=1 value= 1': missing field value\\n"
         "unable to parse 'junk': missing fields dropped=0\"}\n",
         VERDICT_PARTIAL, 2,
         "partial write: unable to parse 'em,a=1 value= 1': missing field value"},
        {"one unparsable", V1, 400,
         "{\"error\":\"partial write: unable to parse 'junk': missing fields dropped=0\"}",
         VERDICT_PARTIAL, 1, "partial write: unable to parse 'junk': missing fields dropped=0"},
        {"words of ours inside a name", V1, 400,
         "{\"error\":\"partial write: unable to parse 'm,f=unable\\\\ to\\\\ parse\\\\ "
         "dropped\\\\=9 "
         "x': bad dropped=0\"}",
         VERDICT_PARTIAL, 1,
         "partial write: unable to parse 'm,f=unable/ to/ parse/ dropped/=9 x': bad dropped=0"},
        {"beyond retention", V1, 400,
         "{\"error\":\"partial write: points beyond retention policy dropped=17\"}",
         VERDICT_PARTIAL, 17, "partial write: points beyond retention policy dropped=17"},
        {"series limit", V1, 400,
         "{\"error\":\"partial write: max-series-per-database limit exceeded: (3) dropped=5\"}",
         VERDICT_PARTIAL, 5,
         "partial write: max-series-per-database limit exceeded: (3) dropped=5"},
        {"partial without a count", V1, 400, "{\"error\":\"partial write: who knows\"}",
         VERDICT_PARTIAL, 1, "partial write: who knows"},
        {"all unparsable", V1, 400,
         "{\"error\":\"unable to parse 'junk': missing fields\\nunable to parse 'x': bad\"}",
         VERDICT_REFUSED, 0, "unable to parse 'junk': missing fields"},
        {"not a number", V1, 400, "{\"error\":\"unable to parse 'm v=NaN': invalid boolean\"}",
         VERDICT_REFUSED, 0, "unable to parse 'm v=NaN': invalid boolean"},
        {"a name that speaks of partial writes", V1, 400,
         "{\"error\":\"unable to parse 'm,f=partial write: v=1': bad\"}", VERDICT_REFUSED, 0,
         "unable to parse 'm,f=partial write: v=1': bad"},
        {"no database in the request", V1, 400, "{\"error\":\"database is required\"}",
         VERDICT_HOLD, 0, "database is required"},
        {"body cut off", V1, 400, "{\"error\":\"unexpected EOF\"}", VERDICT_BROKEN, 0,
         "unexpected EOF"},
        {"gzip damaged", V1, 400, "{\"error\":\"gzip: invalid header\"}", VERDICT_BROKEN, 0,
         "gzip: invalid header"},
        {"unknown database", V1, 404, "{\"error\":\"database not found: \\\"nope\\\"\"}",
         VERDICT_HOLD, 0, "database not found: 'nope'"},
        {"unknown policy, by status a server error", V1, 500,
         "{\"error\":\"retention policy not found: nope\"}", VERDICT_HOLD, 0,
         "retention policy not found: nope"},
        {"no credentials", V1, 401, "{\"error\":\"unable to parse authentication credentials\"}",
         VERDICT_HOLD, 0, "unable to parse authentication credentials"},
        {"wrong credentials", V1, 401, "{\"error\":\"authorization failed\"}", VERDICT_HOLD, 0,
         "authorization failed"},
        {"no right", V1, 403, "{\"error\":\"not authorized\"}", VERDICT_HOLD, 0, "not authorized"},
        {"too large", V1, 413, "{\"error\":\"Request Entity Too Large\"}", VERDICT_TOO_LARGE, 0,
         "Request Entity Too Large"},
        {"throttled", V1, 503, "{\"error\":\"request throttled, queue full\"}", VERDICT_BUSY, 0,
         "request throttled, queue full"},
        {"write timed out there", V1, 500, "{\"error\":\"timeout\"}", VERDICT_BROKEN, 0, "timeout"},
        {"422 is not a word of 1.x", V1, 422, "{\"error\":\"x\"}", VERDICT_HOLD, 0, "x"},
    };
    check(cases, ARRAY_LEN(cases));
}

static void test_influx2(void **state)
{
    (void)state;
    static const struct answer_case cases[] = {
        {"stored", V2, 204, "", VERDICT_DONE, 0, ""},
        {"400 is the whole batch", V2, 400,
         "{\"code\":\"invalid\",\"message\":\"unable to parse 'junk': missing fields\"}",
         VERDICT_REFUSED, 0, "unable to parse 'junk': missing fields"},
        {"400 is the whole batch, also if it speaks of parts", V2, 400,
         "{\"code\":\"invalid\",\"message\":\"partial write: dropped=3\"}", VERDICT_REFUSED, 0,
         "partial write: dropped=3"},
        {"400 of other engines", V2, 400,
         "{\"code\":\"invalid\",\"message\":\"failed to parse line protocol: errors\"}",
         VERDICT_REFUSED, 0, "failed to parse line protocol: errors"},
        {"400 with other words", V2, 400, "{\"code\":\"invalid\",\"message\":\"no thanks\"}",
         VERDICT_STRANGE, 0, "no thanks"},
        {"400 without an object", V2, 400, "unable to parse 'junk': missing fields",
         VERDICT_STRANGE, 0, "unable to parse 'junk': missing fields"},
        {"422 is partial", V2, 422,
         "{\"code\":\"unprocessable entity\",\"message\":\"failure writing points to database: "
         "partial write: field type conflict: input field \\\"v\\\" dropped=4\"}",
         VERDICT_PARTIAL, 4,
         "failure writing points to database: partial write: field type conflict: input field "
         "'v' dropped=4"},
        {"422 without a count", V2, 422,
         "{\"code\":\"x\",\"message\":\"failure writing points to database: so\"}", VERDICT_PARTIAL,
         1, "failure writing points to database: so"},
        {"422 with other words", V2, 422, "{\"code\":\"x\",\"message\":\"something\"}",
         VERDICT_STRANGE, 0, "something"},
        {"422 of a firewall", V2, 422, "<h1>Blocked</h1>", VERDICT_STRANGE, 0, "Blocked"},
        {"spaces in the object", V2, 401, "{ \"code\": \"unauthorized\", \"message\": \"no\" }",
         VERDICT_HOLD, 0, "no"},
        {"unknown bucket", V2, 404, "{\"code\":\"not found\",\"message\":\"bucket not found\"}",
         VERDICT_HOLD, 0, "bucket not found"},
        {"too large", V2, 413, "{\"code\":\"request too large\",\"message\":\"no\"}",
         VERDICT_TOO_LARGE, 0, "no"},
        {"over the rate", V2, 429, "{\"code\":\"too many requests\",\"message\":\"slow\"}",
         VERDICT_BUSY, 0, "slow"},
        {"starting", V2, 503, "", VERDICT_BUSY, 0, "status 503 without a word"},
        {"broken", V2, 500, "{\"code\":\"internal error\"}", VERDICT_BROKEN, 0,
         "{'code':'internal error'}"},
    };
    check(cases, ARRAY_LEN(cases));
}

static void test_everything_else(void **state)
{
    (void)state;
    static const struct answer_case cases[] = {
        {"VictoriaMetrics", VM, 204, "", VERDICT_DONE, 0, ""},
        {"VictoriaMetrics, no right", VM, 401, "auth needed\n", VERDICT_HOLD, 0, "auth needed"},
        {"200 is not what a store says", VM, 200, "<html>welcome</html>", VERDICT_HOLD, 0,
         "welcome"},
        {"created", V1, 201, "", VERDICT_HOLD, 0, "status 201 without a word"},
        {"redirect", V1, 301, "", VERDICT_HOLD, 0, "status 301 without a word"},
        {"redirect of a write", V1, 307, "moved", VERDICT_HOLD, 0, "moved"},
        {"wrong method", V1, 405, "", VERDICT_HOLD, 0, "status 405 without a word"},
        {"request took too long", V1, 408, "", VERDICT_BROKEN, 0, "status 408 without a word"},
        {"gateway", V1, 502, "Bad Gateway\r\n", VERDICT_BROKEN, 0, "Bad Gateway"},
        {"gateway timeout", V1, 504, "", VERDICT_BROKEN, 0, "status 504 without a word"},
        {"controls in words", V1, 404, "a\x1b[31m\tb", VERDICT_HOLD, 0, "a [31m b"},
        {"string cut off", V1, 400, "{\"error\":\"unable to par", VERDICT_STRANGE, 0,
         "unable to par"},
        {"string cut off behind its beginning", V1, 400, "{\"error\":\"unable to parse '",
         VERDICT_REFUSED, 0, "unable to parse '"},
        {"escape cut off", V1, 400, "{\"error\":\"unable\\", VERDICT_STRANGE, 0, "unable/"},
        {"member of another type", V1, 404, "{\"error\":5}", VERDICT_HOLD, 0, "{'error':5}"},
        {"member without a value", V1, 404, "{\"error\"", VERDICT_HOLD, 0, "{'error'"},
        {"only an opening", V1, 404, "{", VERDICT_HOLD, 0, "{"},
        {"a count beyond 32 bits", V1, 400,
         "{\"error\":\"partial write: x dropped=99999999999999999999\"}", VERDICT_PARTIAL,
         UINT32_MAX, "partial write: x dropped=99999999999999999999"},
    };
    check(cases, ARRAY_LEN(cases));
}

/* Pages of what stands before a database, as they come over the wire: none speaks of rows. */
static void test_pages_of_others(void **state)
{
    (void)state;
    static const struct {
        const char *name, *body, *words;
    } pages[] = {
        {"nginx, http to its port for https",
         "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>"
         "\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<center>The plain HTTP "
         "request "
         "was sent to HTTPS port</center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n"
         "</html>\r\n",
         "400 The plain HTTP request was sent to HTTPS port 400 Bad Request The plain HTTP request "
         "was sent to HTTPS port nginx/1.22.1"},
        {"nginx, no client certificate",
         "<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n<body>"
         "\r\n<center><h1>400 Bad Request</h1></center>\r\n<center>No required SSL certificate was "
         "sent</center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n",
         "400 No required SSL certificate was sent 400 Bad Request No required SSL certificate was "
         "sent nginx/1.22.1"},
        {"vmauth, a route that is missing",
         "remoteAddr: \"127.0.0.1:57046\"; requestURI: /write?precision=ms; cannot determine "
         "targetURL: missing route for \"/write?precision=ms\"\n",
         "remoteAddr: '127.0.0.1:57046'; requestURI: /write?precision=ms; cannot determine "
         "targetURL: missing route for '/write?precision=ms'"},
        {"a load balancer",
         "<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body>"
         "</html>\n",
         "400 Bad request Your browser sent an invalid request."},
        {"a gateway with an object", "{\"message\":\"no Route matched\"}", "no Route matched"},
        {"an object that quotes the database", "{\"error\":\"upstream: unable to parse 'x': y\"}",
         "upstream: unable to parse 'x': y"},
        {"a page that quotes the database", "<p>unable to parse 'x': y</p>",
         "unable to parse 'x': y"},
        {"nothing", "", "status 400 without a word"},
        {"no text", "\xff\xfe\x01", "??"},
    };
    static const enum sink_dialect dialects[] = {V1, V2, VM};
    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        for (size_t d = 0; d < ARRAY_LEN(dialects); d++) {
            const struct answer_case page = {
                pages[i].name, dialects[d], 400, pages[i].body, VERDICT_STRANGE, 0, pages[i].words};
            check(&page, 1);
        }
}

/* As VictoriaMetrics 1.79.5 sends them. */
static void test_victoria(void **state)
{
    (void)state;
    static const struct answer_case cases[] = {
        {"a line beyond its limit", VM, 400,
         "remoteAddr: \"127.0.0.1:50788\"; requestURI: /write?precision=ms; cannot read influx "
         "line "
         "protocol data: too long line: more than 262144 bytes\n",
         VERDICT_REFUSED, 0,
         "remoteAddr: '127.0.0.1:50788'; requestURI: /write?precision=ms; cannot read influx line "
         "protocol data: too long line: more than 262144 bytes"},
        {"gzip cut off", VM, 400,
         "remoteAddr: \"127.0.0.1:50804\"; requestURI: /write?precision=ms; cannot read gzipped "
         "influx line protocol data: unexpected EOF\n",
         VERDICT_BROKEN, 0,
         "remoteAddr: '127.0.0.1:50804'; requestURI: /write?precision=ms; cannot read gzipped "
         "influx line protocol data: unexpected EOF"},
        {"words of another database", VM, 400, "{\"error\":\"unable to parse 'x': y\"}",
         VERDICT_STRANGE, 0, "unable to parse 'x': y"},
    };
    check(cases, ARRAY_LEN(cases));
}

/* The words of a database on size and absence, and not those of others. */
static void test_own_and_missing(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum sink_dialect dialect;
        int status;
        const char *body;
        bool own, missing;
    } cases[] = {
        {"too large for 1.x", V1, 413, "{\"error\":\"Request Entity Too Large\"}", true, false},
        {"too large for 2.x", V2, 413, "{\"code\":\"request too large\",\"message\":\"no\"}", true,
         false},
        {"too large for nginx", V1, 413, "<h1>413 Request Entity Too Large</h1>", false, false},
        {"too large for nginx before 2.x", V2, 413, "<h1>413</h1>", false, false},
        {"too large for what is before VictoriaMetrics", VM, 413,
         "{\"error\":\"Request Entity Too Large\"}", false, false},
        {"no database", V1, 404, "{\"error\":\"database not found: \\\"ghg\\\"\"}", false, true},
        {"no policy", V1, 500, "{\"error\":\"retention policy not found: x\"}", false, true},
        {"no bucket", V2, 404,
         "{\"code\":\"not found\",\"message\":\"bucket \\\"ghg\\\" not found\"}", false, true},
        {"no organisation", V2, 404,
         "{\"code\":\"not found\",\"message\":\"organization not found\"}", false, false},
        {"no page", V1, 404, "<h1>404 Not Found</h1>", false, false},
        {"no page of 2.x", V2, 404, "bucket not found", false, false},
        {"database words of another status", V1, 401, "{\"error\":\"database not found: x\"}",
         false, false},
        {"VictoriaMetrics has no databases", VM, 404, "{\"error\":\"database not found: x\"}",
         false, false},
        {"stored", V1, 204, "", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct influx_answer answer;
        influx_answer_judge(&answer, cases[i].dialect, cases[i].status, cases[i].body,
                            strlen(cases[i].body));
        if (answer.own != cases[i].own || answer.missing != cases[i].missing)
            fail_msg("%s: own %d, missing %d", cases[i].name, answer.own, answer.missing);
    }
}

static void test_long_words_end_with_a_character(void **state)
{
    (void)state;
    char body[ANSWER_WORDS_SIZE * 2];
    memset(body, 'x', sizeof(body));
    body[ANSWER_WORDS_SIZE - 2] = '\xc3';
    body[ANSWER_WORDS_SIZE - 1] = '\xa9';
    struct influx_answer answer;
    influx_answer_judge(&answer, DIALECT_INFLUX1, 404, body, sizeof(body));
    assert_int_equal(strlen(answer.words), ANSWER_WORDS_SIZE - 2);
}

static void test_many_unparsable(void **state)
{
    (void)state;
    enum { LINES = 5000, LINE_SIZE = 64 };
    static char body[LINES * LINE_SIZE];
    size_t size = (size_t)sprintf(body, "{\"error\":\"partial write: ");
    for (int i = 0; i < LINES; i++)
        size +=
            (size_t)sprintf(body + size, "%sunable to parse 'x%d': bad", i == 0 ? "" : "\\n", i);
    struct influx_answer answer;
    influx_answer_judge(&answer, DIALECT_INFLUX1, 400, body, size); /* cut off before its end */
    assert_int_equal(answer.verdict, VERDICT_PARTIAL);
    assert_int_equal(answer.rejected, LINES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_influx1),
        cmocka_unit_test(test_influx2),
        cmocka_unit_test(test_everything_else),
        cmocka_unit_test(test_pages_of_others),
        cmocka_unit_test(test_victoria),
        cmocka_unit_test(test_own_and_missing),
        cmocka_unit_test(test_long_words_end_with_a_character),
        cmocka_unit_test(test_many_unparsable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
