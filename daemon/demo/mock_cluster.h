/*
 * mock_cluster.h - librdkafka's in-process mock of a Kafka cluster, for the demonstration.
 *
 * A broker on a free port of 127.0.0.1, gone with its owner. It keeps about 5 MiB a partition.
 */
#ifndef GHGD_MOCK_CLUSTER_H
#define GHGD_MOCK_CLUSTER_H

#include "base/base.h"

struct mock_cluster;

/* Starts a broker with one topic. Returns 0 or -ENOMEM. */
int mock_cluster_create(struct mock_cluster **cluster_out, const char *topic,
                        int partitions) MUST_CHECK;
/* host:port of its broker; lives as long as the cluster. */
const char *mock_cluster_brokers(const struct mock_cluster *cluster);
/* After every client of it is gone. */
void mock_cluster_destroy(struct mock_cluster **cluster);

#endif
