/* SPDX-License-Identifier: Apache-2.0 */
/**
 * json_reading.h - a snapshot on its way from JSON into columns: what json_snapshot_read.c (tables, clusters, pools)
 * and json_snapshot_work.c (workloads and all that hangs on them) share.
 */
#ifndef SCHED_MANIFEST_JSON_READING_H
#define SCHED_MANIFEST_JSON_READING_H

#include "sched/manifest/json_int.h"

/** A table that is being filled. */
typedef struct jsn_filling {
    const jsn_table *table;
    size_t count, next;
    size_t given[JSN_COLUMNS_MAX]; /* rows that give the column; for JSN_COLUMN */
} jsn_filling;

typedef struct jsn_reading {
    jsn_reader *r;
    spw_snapshot *snap;
    jsn_filling clusters, grades, pools, workloads, placements, usage, history, pods, samples, values;
    bool tainted;          /* a cluster has "taints" */
    bool labelled;         /* a pool has "labels" */
    json_t *cluster_rows;  /* name -> row */
    json_t *workload_rows; /* likewise */
    json_t *pool_rows;     /* "cluster\npool" -> row */
    size_t *stamp;         /* [clusters] 1 + workload for which `seat` is valid */
    spw_id *seat;          /* [clusters] placement row of that workload */
} jsn_reading;

/** A column of the snapshot that this reader allocated, to be written to. */
void *jsn_writable(const void *column);
char *jsn_row_cell(const jsn_reading *in, const jsn_filling *f, const jsn_column *column, size_t row);

/** Fills one cell with what holds where its key is absent; reports a key that must not be. */
void jsn_row_absent(jsn_reading *in, jsn_filling *f, const jsn_column *column, size_t row, spw_time observed,
                    const jsn_path *path);
/** Reads the plain columns of one object into a row, and reports keys that the table does not have. */
void jsn_row_read(jsn_reading *in, jsn_filling *f, size_t row, const json_t *object, spw_time observed,
                  const jsn_path *path);

/** Notes name -> row; reports a name that is taken. */
void jsn_name_note(jsn_reading *in, json_t *rows, const char *name, size_t row, const jsn_path *path);
/** @return the row of a cluster by name, or SPW_ID_NONE after reporting that there is none */
spw_id jsn_cluster_row(jsn_reading *in, const char *name, const jsn_path *path);
/** @return the row of a pool of a cluster, or SPW_ID_NONE */
spw_id jsn_pool_row(jsn_reading *in, const char *cluster, const char *pool);
/** Sets a key that the object does not give. */
void jsn_key_set(const json_t *object, const uint64_t *column, size_t row, uint64_t derived);

/** The maps over clusters in a workload; the last is NULL. */
extern const char *const jsn_maps[];
void jsn_workload_read(jsn_reading *in, const json_t *object, const jsn_path *path);

#endif
