#include "pipelines/ingest/batch.h"

void batch_clear(struct batch *batch)
{
    batch->count = 0;
    batch->refused_count = 0;
}
