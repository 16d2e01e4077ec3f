/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sweep_kube.c - a sweep as an Indexed Job; see sweep_engines.h.
 *
 * The sweep file, its scenario and every manifest that takes part travel in a ConfigMap and stand in the pods under the
 * same relative paths; parameter tables come with the image. Points go to a claim that all pods share, into a folder of
 * the sweep's name, which --gather reads afterwards.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/sweep_engines.h"

#define INPUTS_MAX      256
#define CONFIGMAP_BYTES (1000 * 1000) /* of the 1 MiB that the API server takes, names and braces aside */
#define TASKS_DEFAULT   8

typedef struct input_set {
    char *paths[INPUTS_MAX]; /* absolute */
    int count;
    size_t bytes;
} input_set;

static char *read_text(const char *path, size_t *size)
{
    FILE *in = fopen(path, "r");
    char *text = in != NULL ? malloc(CONFIGMAP_BYTES + 1) : NULL;
    *size = text != NULL ? fread(text, 1, CONFIGMAP_BYTES, in) : 0;
    if (text != NULL) {
        text[*size] = '\0';
    }
    if (in != NULL) {
        fclose(in);
    }
    return text;
}

static int add_input(input_set *set, const char *path)
{
    char *real = realpath(path, NULL);
    if (real == NULL) {
        fprintf(stderr, "spillway sweep: %s: %s\n", path, strerror(errno));
        return -1;
    }
    for (int i = 0; i < set->count; i++) {
        if (strcmp(set->paths[i], real) == 0) {
            free(real);
            return 0;
        }
    }
    if (set->count == INPUTS_MAX) {
        free(real);
        fprintf(stderr, "spillway sweep: more than %d input files\n", INPUTS_MAX);
        return -1;
    }
    set->paths[set->count++] = real;
    return 0;
}

/* Manifests of the base, and files that axes or `set` put in their place. */
static int add_manifests(input_set *set, const cli_campaign *cli, const sweep_file *file)
{
    const char *slash = strrchr(file->scenario, '/');
    const int folder = slash != NULL ? (int)(slash - file->scenario) + 1 : 0;
    char path[POINTS_PATH_MAX];
    for (int32_t s = 0; s < cli->c->setting_count; s++) {
        const camp_setting *setting = &cli->c->settings[s];
        for (int32_t i = 0; i < setting->set_count; i++) {
            if (strncmp(setting->sets[i].path, "spec.manifests[", 15) == 0) {
                snprintf(path, sizeof path, "%.*s%s", folder, file->scenario, setting->sets[i].value);
                if (add_input(set, path) != 0) {
                    return -1;
                }
            }
        }
    }
    for (size_t m = 0; m < cli->report.base->manifest_count; m++) {
        snprintf(path, sizeof path, "%.*s%s", folder, file->scenario, cli->report.base->manifests[m].name);
        if (add_input(set, path) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Length of the folder that all inputs share, its slash included. */
static size_t shared_folder(const input_set *set)
{
    size_t length = strlen(set->paths[0]);
    for (int i = 0; i < set->count; i++) {
        size_t same = 0;
        while (same < length && set->paths[i][same] == set->paths[0][same]) {
            same++;
        }
        length = same;
    }
    while (length > 0 && set->paths[0][length - 1] != '/') {
        length--;
    }
    return length;
}

static bool lengths_from_file(const mdl_lengths *l)
{
    return l->input.kind == MDL_LENGTH_EMPIRICAL || l->output.kind == MDL_LENGTH_EMPIRICAL || l->pair_count > 0;
}

static bool has_other_files(const sc_scenario *sc)
{
    for (int32_t s = 0; s < sc->service_count; s++) {
        const sc_service *service = &sc->services[s];
        for (int32_t t = 0; t < service->traffic_count; t++) {
            const mdl_lengths *own = service->traffic[t].lengths;
            const mdl_arrival_kind kind = service->traffic[t].arrivals.kind;
            if (kind == MDL_ARRIVAL_TRACE || kind == MDL_ARRIVAL_RATES || (own != NULL && lengths_from_file(own))) {
                return true;
            }
        }
        if (lengths_from_file(&service->lengths)) {
            return true;
        }
    }
    return false;
}

static int put_config_map(FILE *out, const char *name, const input_set *set)
{
    size_t all = 0;
    fprintf(out, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s-inputs\ndata:\n", name);
    for (int i = 0; i < set->count; i++) {
        size_t size;
        char *text = read_text(set->paths[i], &size);
        if (text == NULL) {
            return -1;
        }
        all += size;
        /* every byte counts: the hash of the inputs says what the points belong to */
        fprintf(out, "  input-%d: |2%c\n", i, size > 0 && text[size - 1] == '\n' ? '+' : '-');
        for (char *line = text; *line != '\0';) {
            const size_t length = strcspn(line, "\n");
            fprintf(out, "%s%.*s\n", length > 0 ? "    " : "", (int)length, line);
            line += length + (line[length] == '\n');
        }
        free(text);
    }
    return all < CONFIGMAP_BYTES ? 0 : 1;
}

static void put_job(FILE *out, const cli_campaign *cli, const input_set *set, size_t base, int64_t tasks,
                    const char *image, const char *claim)
{
    const char *name = cli->c->name;
    fprintf(out,
            "---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: %s\nspec:\n  completionMode: Indexed\n"
            "  completions: %" PRId64 "\n  parallelism: %" PRId64 "\n  backoffLimit: %" PRId64
            "\n  template:\n    spec:\n"
            "      restartPolicy: Never\n      containers:\n        - name: sweep\n          image: \"%s\"\n"
            "          command:\n            - sh\n            - -c\n            - >-\n"
            "              exec spillway sweep '/inputs/%s' --out '/results/%s' --resume --no-report --jobs 1\n"
            "              --shard $((JOB_COMPLETION_INDEX + 1))/%" PRId64 "\n"
            "          resources:\n            requests: {cpu: \"1\"}\n          volumeMounts:\n"
            "            - {name: inputs, mountPath: /inputs}\n            - {name: results, mountPath: /results}\n"
            "      volumes:\n        - name: inputs\n          configMap:\n            name: %s-inputs\n            "
            "items:\n",
            name, tasks, tasks, 2 * tasks, image, set->paths[0] + base, name, tasks, name);
    for (int i = 0; i < set->count; i++) {
        fprintf(out, "              - {key: input-%d, path: \"%s\"}\n", i, set->paths[i] + base);
    }
    fprintf(out, "        - name: results\n          persistentVolumeClaim: {claimName: \"%s\"}\n", claim);
}

static cli_status write_job(const cli_campaign *cli, const input_set *set, int64_t tasks, const char *image,
                            const char *claim)
{
    char path[POINTS_PATH_MAX + 16], temporary[POINTS_PATH_MAX + 24];
    snprintf(path, sizeof path, "%s/job.yaml", cli->target);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    FILE *out = fopen(temporary, "w");
    int rc = out != NULL ? put_config_map(out, cli->c->name, set) : -1;
    if (rc == 0) {
        put_job(out, cli, set, shared_folder(set), tasks, image, claim);
    }
    if (out != NULL && fclose(out) != 0) {
        rc = -1;
    }
    if (rc == 0 && rename(temporary, path) != 0) {
        rc = -1;
    }
    if (rc != 0) {
        const int why = errno;
        (void)unlink(temporary);
        fprintf(stderr, "spillway sweep: %s\n",
                rc > 0 ? "the inputs are more than a ConfigMap takes (1 MB)" : strerror(why));
        return rc > 0 ? CLI_BAD : CLI_IO;
    }
    printf("kubectl apply -f %s\n"
           "kubectl wait --for=condition=complete --timeout=24h job/%s\n"
           "# with the claim's folder %s copied to, or mounted at, POINTS:\n"
           "spillway sweep %s --gather POINTS --out %s\n",
           path, cli->c->name, cli->c->name, set->paths[0], cli->target);
    return CLI_DONE;
}

cli_status sweep_check_kubernetes(const cli_campaign *cli, const char *image, const char *claim)
{
    if (cli->values->tables != NULL || has_other_files(cli->report.base)) {
        fputs("spillway sweep: --engine kubernetes carries the sweep, its scenario and manifests; traces, empirical "
              "lengths and --tables are not among them: put these into the image and run 'spillway sweep --shard' "
              "there\n",
              stderr);
        return CLI_BAD;
    }
    if (strpbrk(image, "\"\\\n") != NULL || strpbrk(claim, "\"\\\n") != NULL) {
        fputs("spillway sweep: no quotes, backslashes or line ends in --image and --claim\n", stderr);
        return CLI_BAD;
    }
    return CLI_DONE;
}

cli_status sweep_for_kubernetes(const cli_campaign *cli, const sweep_file *file, int64_t tasks, const char *image,
                                const char *claim)
{
    input_set set = {.count = 0};
    cli_status status = CLI_BAD;
    if (add_input(&set, file->path) == 0 && add_input(&set, file->scenario) == 0 &&
        add_manifests(&set, cli, file) == 0) {
        status = write_job(cli, &set, tasks > 0 ? tasks : TASKS_DEFAULT, image, claim);
    }
    for (int i = 0; i < set.count; i++) {
        free(set.paths[i]);
    }
    return status;
}
