#include "daemon/deadletter/deadletter_job.h"

#include <inttypes.h>
#include <stdio.h>

int deadletter_read(struct deadletter_job *job)
{
    int err = letter_index_create(&job->letters, job->config, &job->filter, (size_t)job->limit);
    if (err == 0)
        err = letter_reader_open(&job->letter_reader, job->config, &job->filter, "deadletter");
    if (err < 0)
        return err;
    err = letter_reader_read(job->letter_reader, job->letters);
    letter_index_sort(job->letters);
    if (err == ERR_FULL)
        (void)fprintf(stderr,
                      "ghgd deadletter: there are more than %" PRId64 " events; choose fewer "
                      "(--reason, --partition, --from, --to), or hold more (--limit)\n",
                      job->limit);
    return err;
}
