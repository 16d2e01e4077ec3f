/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - reading a Daemon file: relations between keys, paths. The tables of keys are in config_keys.c. */
#include "sched/daemon/config_keys.h"

#include <stdlib.h>
#include <string.h>

struct dm_config_file {
    zone z;
    yamldoc *doc;
    dm_config config;
};

/* A path beside the file. @return false when out of memory */
static bool beside(zone *z, const char *file, const char **path)
{
    const char *slash = strrchr(file, '/');
    if (*path != NULL && (*path)[0] != '/' && (*path)[0] != '\0' && slash != NULL) {
        *path = zone_format(z, "%.*s/%s", (int)(slash - file), file, *path);
    }
    return !z->failed;
}

static bool resolve_paths(zone *z, const char *file, dm_config *c)
{
    const char **paths[] = {&c->snapshots, &c->state, &c->decisions, &c->guards.stop_file, &c->hub.kubeconfig};
    bool ok = true;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        ok = ok && beside(z, file, paths[i]);
    }
    for (size_t i = 0; i < c->manifests.count; i++) {
        ok = ok && beside(z, file, &c->manifests.at[i]);
    }
    for (size_t i = 0; i < c->cluster_count; i++) {
        ok = ok && beside(z, file, &c->clusters[i].access.kubeconfig);
    }
    for (size_t i = 0; i < c->server_count; i++) {
        ok = ok && beside(z, file, &c->servers[i].access.kubeconfig);
    }
    if (c->command.count > 0 && strchr(c->command.at[0], '/') != NULL) {
        ok = ok && beside(z, file, &c->command.at[0]);
    }
    if (c->inventory.count > 0 && strchr(c->inventory.at[0], '/') != NULL) {
        ok = ok && beside(z, file, &c->inventory.at[0]);
    }
    return ok;
}

bool dm_acts_on_servers(const dm_config *c)
{
    return c->act == DM_ACT_NATIVE || c->act == DM_ACT_BOTH || c->act == DM_ACT_SERVER || c->act == DM_ACT_TEE;
}

bool dm_acts_by_program(const dm_config *c)
{
    return c->act == DM_ACT_COMMAND || c->act == DM_ACT_BOTH || c->act == DM_ACT_TEE;
}

/* --- relations --- */

static bool says(const dm_config *c, bool wrong, const ynode *at, spw_diag *diag, const char *text)
{
    if (wrong) {
        ynode_error(diag, at != NULL ? at : c->node, "%s", text);
    }
    return !wrong;
}

static bool check_world(const dm_config *c, spw_diag *diag)
{
    const bool file = c->mode == DM_MODE_FILE;
    bool ok = says(c, file && c->snapshots == NULL, NULL, diag, "mode file needs spec.file.snapshots");
    ok = says(c, !file && c->snapshots != NULL, NULL, diag, "'spec.file' goes with mode file") && ok;
    ok = says(c, file && c->cluster_count > 0, c->cluster_count > 0 ? c->clusters[0].node : NULL, diag,
              "in mode file the snapshots say which clusters there are") &&
         ok;
    ok = says(c, !file && c->cluster_count == 0, NULL, diag, "'spec.clusters' must name at least one cluster") && ok;
    ok = says(c, c->mode == DM_MODE_KARMADA && !c->has_hub, NULL, diag,
              "mode karmada needs 'spec.controlPlane': how to come to the Karmada API server") &&
         ok;
    ok = says(c, c->mode != DM_MODE_KARMADA && c->has_hub, c->hub.node, diag, "goes with mode karmada") && ok;
    ok = says(c, file && c->from_server, NULL, diag, "in mode file the manifests are files") && ok;
    ok = says(c, !c->from_server && c->manifests.count == 0, NULL, diag,
              "'spec.manifests' must name files, or fromServer: true") &&
         ok;
    ok = says(c, file && dm_acts_on_servers(c), NULL, diag,
              "in mode file the actuator must be dry-run, record or command") &&
         ok;
    ok = says(c, dm_acts_by_program(c) && c->command.count == 0, NULL, diag,
              "this actuator needs 'spec.actuator.command'") &&
         ok;
    ok = says(c, c->act == DM_ACT_RECORD && c->decisions == NULL, NULL, diag,
              "actuator record needs 'spec.memory.decisions': where to record") &&
         ok;
    return says(c, file && c->lease, NULL, diag, "in mode file there is no server to hold a lease") && ok;
}

static bool check_names(const dm_config *c, spw_diag *diag)
{
    bool ok = true;
    for (size_t i = 0; i < c->cluster_count; i++) {
        for (size_t k = 0; k < i; k++) {
            ok = says(c, strcmp(c->clusters[i].name, c->clusters[k].name) == 0, c->clusters[i].node, diag,
                      "a cluster of this name is there already") &&
                 ok;
        }
        ok = says(c, c->mode == DM_MODE_KUBERNETES && c->clusters[i].reach != DM_REACH_DIRECT, c->clusters[i].node,
                  diag, "in mode kubernetes every cluster must be reached directly") &&
             ok;
    }
    for (size_t i = 0; i < c->meter_count; i++) {
        const dm_meter *m = &c->meters[i];
        bool known = strcmp(m->server, "control-plane") == 0 && c->has_hub;
        for (size_t k = 0; k < c->cluster_count; k++) {
            known = known || strcmp(c->clusters[k].name, m->server) == 0;
        }
        for (size_t k = 0; k < c->server_count; k++) {
            known = known || strcmp(c->servers[k].name, m->server) == 0;
        }
        ok = says(c, !known, m->node, diag,
                  "'server' must be a cluster, an entry of 'spec.servers', or control-plane") &&
             ok;
        ok = says(c, m->kind == KUBE_METER_PROMETHEUS && m->query == NULL, m->node, diag, "needs a 'query'") && ok;
        ok = says(c, m->kind != KUBE_METER_RESOURCE && m->metric == NULL, m->node, diag, "needs a 'metric'") && ok;
        ok = says(c, m->kind == KUBE_METER_OBJECT && m->object == NULL, m->node, diag, "needs an 'object'") && ok;
        ok = says(c, (m->kind == KUBE_METER_OBJECT || m->kind == KUBE_METER_EXTERNAL) && m->name == NULL, m->node, diag,
                  "needs the 'name' of its workload") &&
             ok;
        ok = says(c, (m->kind == KUBE_METER_RESOURCE || m->kind == KUBE_METER_PODS) && m->cluster == NULL, m->node,
                  diag, "needs the 'cluster' of its pods") &&
             ok;
    }
    return ok;
}

static bool check_times(const dm_config *c, spw_diag *diag)
{
    bool ok = says(c, c->lease && !(c->lease_retry < c->lease_renew && c->lease_renew < c->lease_duration), NULL, diag,
                   "the lease needs retry < renewDeadline < duration");
    return says(c, c->lease && c->call_timeout >= c->lease_duration - c->lease_renew, NULL, diag,
                "'spec.actuator.callTimeout' must be shorter than the lease's duration less its renewDeadline: a write "
                "that is under way must end before another may lead") &&
           ok;
}

/* --- reading --- */

static spw_rc read_document(dm_config_file *file, const char *path, spw_diag *diag)
{
    if (yamldoc_count(file->doc) != 1) {
        spw_diag_add(diag, SPW_DIAG_ERROR, path, 0, 0, "must hold one document, there are %zu",
                     yamldoc_count(file->doc));
        return SPW_INVAL;
    }
    bind b;
    bind_init(&b, &file->z, diag);
    const ynode *root = yamldoc_root(file->doc, 0);
    if (!bind_object(&b, &dm_root_keys, root, &file->config)) {
        return file->z.failed ? SPW_NOMEM : SPW_INVAL;
    }
    file->config.node = ynode_get(root, "spec");
    const bool good =
        check_world(&file->config, diag) & check_names(&file->config, diag) & check_times(&file->config, diag);
    if (!good) {
        return SPW_INVAL;
    }
    return resolve_paths(&file->z, path, &file->config) ? SPW_OK : SPW_NOMEM;
}

static spw_rc finish(dm_config_file *file, spw_rc rc, const char *path, spw_diag *diag, dm_config_file **out)
{
    rc = rc == SPW_OK ? read_document(file, path, diag) : rc;
    if (rc != SPW_OK) {
        dm_config_free(file);
        return rc;
    }
    *out = file;
    return SPW_OK;
}

static dm_config_file *file_new(void)
{
    dm_config_file *file = calloc(1, sizeof *file);
    if (file != NULL) {
        zone_init(&file->z, NULL);
    }
    return file;
}

spw_rc dm_config_read(const char *path, spw_diag *diag, dm_config_file **out)
{
    dm_config_file *file = file_new();
    return file == NULL ? SPW_NOMEM : finish(file, yamldoc_read_file(path, NULL, diag, &file->doc), path, diag, out);
}

spw_rc dm_config_read_text(const char *path, const char *text, size_t size, spw_diag *diag, dm_config_file **out)
{
    dm_config_file *file = file_new();
    return file == NULL ? SPW_NOMEM
                        : finish(file, yamldoc_read_text(path, text, size, NULL, diag, &file->doc), path, diag, out);
}

void dm_config_free(dm_config_file *file)
{
    if (file != NULL) {
        yamldoc_free(file->doc);
        zone_fini(&file->z);
        free(file);
    }
}

const dm_config *dm_config_get(const dm_config_file *file)
{
    return &file->config;
}

bool dm_config_schema(FILE *out)
{
    return bind_print_schema(out, &dm_root_keys, BIND_SCHEMA_TEXT);
}
