#include "daemon/demo/mock_cluster.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>

struct mock_cluster {
    rd_kafka_t *host; /* the client in whose threads the mock runs */
    rd_kafka_mock_cluster_t *mock;
};

/* Log level 2: that a broker of its own goes away at the end is no news. */
static rd_kafka_t *make_host(void)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (conf == NULL)
        return NULL;
    char text[256];
    rd_kafka_t *host = NULL;
    if (rd_kafka_conf_set(conf, "log_level", "2", text, sizeof(text)) == RD_KAFKA_CONF_OK)
        host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (host == NULL)
        rd_kafka_conf_destroy(conf);
    return host;
}

int mock_cluster_create(struct mock_cluster **cluster_out, const char *topic, int partitions)
{
    struct mock_cluster *cluster = calloc(1, sizeof(*cluster));
    if (cluster == NULL)
        return -ENOMEM;
    cluster->host = make_host();
    if (cluster->host != NULL)
        cluster->mock = rd_kafka_mock_cluster_new(cluster->host, 1);
    if (cluster->mock == NULL || rd_kafka_mock_topic_create(cluster->mock, topic, partitions, 1) !=
                                     RD_KAFKA_RESP_ERR_NO_ERROR) {
        mock_cluster_destroy(&cluster);
        return -ENOMEM;
    }
    *cluster_out = cluster;
    return 0;
}

const char *mock_cluster_brokers(const struct mock_cluster *cluster)
{
    return rd_kafka_mock_cluster_bootstraps(cluster->mock);
}

void mock_cluster_destroy(struct mock_cluster **cluster)
{
    struct mock_cluster *gone = TAKE(*cluster);
    if (gone == NULL)
        return;
    if (gone->mock != NULL)
        rd_kafka_mock_cluster_destroy(gone->mock);
    if (gone->host != NULL)
        rd_kafka_destroy(gone->host);
    free(gone);
}
