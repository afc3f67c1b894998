#include "pipelines/kafka/group_offsets.h"

#include "base/base.h"

/* As long as leaving a group that does not answer may take: closing waits for both, side by side.
 */
enum { TIMEOUT_MS = 5000 };

/* Thread: of the pool. */
static void on_work(uv_work_t *work)
{
    struct group_offsets *offsets = work->data;
    offsets->code = rd_kafka_committed(offsets->client, offsets->list, TIMEOUT_MS);
    for (int i = 0; i < offsets->list->cnt; i++)
        if (offsets->code == RD_KAFKA_RESP_ERR_NO_ERROR)
            offsets->code = offsets->list->elems[i].err;
}

static void on_worked(uv_work_t *work, int status)
{
    struct group_offsets *offsets = work->data;
    ASSERT(status == 0 && offsets->under_way); /* it is never cancelled */
    offsets->under_way = false;
    rd_kafka_topic_partition_list_t *list = TAKE(offsets->list);
    offsets->answered(offsets->context, offsets->code, list);
    rd_kafka_topic_partition_list_destroy(list);
}

void group_offsets_ask(struct group_offsets *offsets, uv_loop_t *loop, rd_kafka_t *client,
                       const rd_kafka_topic_partition_list_t *partitions)
{
    ASSERT(!offsets->under_way);
    offsets->under_way = true;
    offsets->client = client;
    offsets->list = rd_kafka_topic_partition_list_copy(partitions);
    offsets->work.data = offsets;
    int err = uv_queue_work(loop, &offsets->work, on_work, on_worked);
    ASSERT(err == 0); /* it fails without a function only */
}
