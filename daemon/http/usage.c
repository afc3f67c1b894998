#include "daemon/http/usage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void read_memory(struct usage *usage)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return;
    char line[128];
    if (fgets(line, sizeof(line), file) != NULL) { /* total and resident pages come first */
        uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
        char *rest = line;
        usage->virtual_bytes = strtoull(rest, &rest, 10) * page_bytes;
        usage->resident_bytes = strtoull(rest, &rest, 10) * page_bytes;
    }
    (void)fclose(file);
}

static void count_descriptors(struct usage *usage)
{
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return;
    while (readdir(directory) != NULL) /* NOLINT(concurrency-mt-unsafe): a stream of our own */
        usage->open_fds++;
    (void)closedir(directory);
    usage->open_fds -= 3; /* ".", "..", and the directory itself */
}

static uint64_t microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

void usage_read(struct usage *usage_out)
{
    *usage_out = (struct usage){0};
    read_memory(usage_out);
    count_descriptors(usage_out);
    struct rusage times;
    if (getrusage(RUSAGE_SELF, &times) == 0)
        usage_out->cpu_us = microseconds(times.ru_utime) + microseconds(times.ru_stime);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        usage_out->max_fds = limit.rlim_cur;
}
