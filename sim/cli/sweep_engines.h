/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * sweep_engines.h - the points of a sweep on a cluster that others run.
 *
 * One job whose tasks each loop over a stripe of the points (`--shard`), never one tiny job for each point: a scheduler
 * starts a few tasks a second, a task does hundreds of points in that time.
 */
#ifndef SIM_CLI_SWEEP_ENGINES_H
#define SIM_CLI_SWEEP_ENGINES_H

#include "sim/cli/campaign.h"
#include "sim/scenario/sweep_file.h"

/**
 * Submits an array job to the Slurm that sbatch reaches, waits for its end. The folder must be on a file system that
 * the nodes share; this program must stand under the same path there. SIGINT cancels the job; finished points stay.
 * @param in tasks  0 = as many as the cluster has processors, at most one for each missing point
 * @return CLI_DONE: the job ended, whatever it did; CLI_GATE: interrupted; CLI_IO: Slurm cannot be used (said)
 */
cli_status sweep_on_slurm(const cli_campaign *cli, const char *sweep_path, int64_t tasks, const opt_list *sbatch);

/** Before anything is written: can the job carry all inputs, and its manifest the names? @return CLI_DONE; CLI_BAD,
 * said */
cli_status sweep_check_kubernetes(const cli_campaign *cli, const char *image, const char *claim);

/**
 * Writes DIR/job.yaml: a ConfigMap with the inputs and an Indexed Job, and prints the commands that use it.
 * @return CLI_DONE; CLI_BAD: inputs that do not fit into a ConfigMap (said); CLI_IO
 */
cli_status sweep_for_kubernetes(const cli_campaign *cli, const sweep_file *file, int64_t tasks, const char *image,
                                const char *claim);

#endif
