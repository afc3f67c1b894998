/* notice_fixture.h - notices for tests: a slip with every figure, its end, a retraction, and more.
 */
#ifndef GHGD_TESTS_NOTICE_FIXTURE_H
#define GHGD_TESTS_NOTICE_FIXTURE_H

#include "pipelines/notice/notice.h"

enum fixture_notice {
    FIXTURE_SLIP,
    FIXTURE_EASED,
    FIXTURE_OVER,
    FIXTURE_RETRACTED,
    FIXTURE_USED_UP,
    FIXTURE_INTENSITY,
    FIXTURE_NOTICES
};

const char *fixture_notice_name(enum fixture_notice which);
struct alert_notice fixture_notice(enum fixture_notice which);

#endif
