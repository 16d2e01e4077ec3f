/* SPDX-License-Identifier: Apache-2.0 */
/** manifest.c - the set of objects: reads documents, picks the reader of each kind, lists ignored keys. */
#include <spillway/manifest.h>

#include "sched/manifest/manifest_int.h"
#include "sched/manifest/suggest.h"

#include <assert.h>
#include <string.h>

typedef bool reader_fn(spw_manifest_set *set, bind *b, const ynode *root);

typedef struct kind_row {
    const char *api;
    const char *kind;
    reader_fn *read; /* NULL = harmless: passed over with a note */
} kind_row;

static const kind_row kinds[] = {
    {"apps/v1", "Deployment", km_read_deployment},
    {"apps/v1", "StatefulSet", km_read_statefulset},
    {"policy.karmada.io/v1alpha1", "PropagationPolicy", km_read_policy},
    {"policy.one.alibabacloud.com/v1alpha1", "PropagationPolicy", km_read_policy},
    {"autoscaling/v2", "HorizontalPodAutoscaler", km_read_hpa},
    {"autoscaling.karmada.io/v1alpha1", "FederatedHPA", km_read_hpa},
    {"autoscaling.karmada.io/v1alpha1", "CronFederatedHPA", km_read_cron},
    {"keda.sh/v1alpha1", "ScaledObject", km_read_keda},
    {"scaling.spillway.dev/v1alpha1", "QueueScaler", km_read_queue},
    {"scaling.spillway.dev/v1alpha1", "ForecastScaler", km_read_forecast},
    {"scheduling.k8s.io/v1", "PriorityClass", km_read_priority},
    {"policy/v1", "PodDisruptionBudget", km_read_budget},
    {"scheduling.alibabacloud.com/v1alpha1", "ResourcePolicy", km_read_units},
    {"apps.karmada.io/v1alpha1", "WorkloadRebalancer", km_read_rebalancer},
    {"scheduling.spillway.dev/v1alpha1", "RoundTrips", km_read_trips},
    {"v1", "Service", NULL},
    {"v1", "ConfigMap", NULL},
    {"v1", "Namespace", NULL},
    {"v1", "ServiceAccount", NULL},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static void list_init(km_list *list)
{
    list->first = NULL;
    list->end = &list->first;
    list->count = 0;
}

spw_manifest_set *spw_manifest_new(const spw_mem *mem)
{
    zone z;
    spw_manifest_set *set;

    zone_init(&z, mem);
    set = zone_take(&z, sizeof(*set));
    if (set == NULL) {
        return NULL;
    }
    set->z = z;
    list_init(&set->deployments);
    list_init(&set->policies);
    list_init(&set->hpas);
    list_init(&set->scalers);
    list_init(&set->priorities);
    list_init(&set->budgets);
    list_init(&set->rebalancers);
    list_init(&set->units);
    list_init(&set->trips);
    return set;
}

void spw_manifest_free(spw_manifest_set *set)
{
    if (set != NULL) {
        zone z = set->z; /* the set lives in its own zone */

        for (size_t i = 0; i < set->doc_count; i++) {
            yamldoc_free(set->docs[i]);
        }
        zone_fini(&z);
    }
}

/* Arrays that grow by one in the zone have room for the next power of two. */
static void *grow_array(zone *z, void *array, size_t count, size_t size)
{
    void *bigger;

    if (count > 0 && (count & (count - 1)) != 0) {
        return array;
    }
    bigger = zone_array(z, count == 0 ? 1 : count * 2, size);
    if (bigger != NULL && count > 0) {
        memcpy(bigger, array, count * size);
    }
    return bigger;
}

static void on_ignored(void *user, const ynode *key, const char *why)
{
    spw_manifest_set *set = user;
    spw_ignored *list = grow_array(&set->z, set->ignored, set->ignored_count, sizeof(*list));
    char path[512];
    char *text;

    ynode_path(key, path, sizeof(path));
    text = zone_text(&set->z, path, strlen(path));
    if (list == NULL || text == NULL) {
        return; /* zone.failed tells the caller */
    }
    set->ignored = list;
    list[set->ignored_count++] =
        (spw_ignored){.file = key->file, .line = key->line, .column = key->column, .path = text, .why = why};
}

size_t spw_manifest_ignored_count(const spw_manifest_set *set)
{
    return set->ignored_count;
}

const spw_ignored *spw_manifest_ignored_at(const spw_manifest_set *set, size_t index)
{
    assert(index < set->ignored_count);
    return &set->ignored[index];
}

/* The text of a key that every object must have. NULL = error added. */
static const char *header(spw_manifest_set *set, const ynode *root, const char *key)
{
    const ynode *node = ynode_get(root, key);

    if (node == NULL || node->kind != YNODE_SCALAR || node->length == 0) {
        ynode_error(set->diag, node != NULL ? node : root, "'%s' is missing: every Kubernetes object names its %s", key,
                    strcmp(key, "kind") == 0 ? "kind" : "API version");
        return NULL;
    }
    return node->text;
}

static bool refuse_kind(spw_manifest_set *set, const ynode *root, const char *api, const char *kind)
{
    const ynode *kind_node = ynode_get(root, "kind");
    const char *known_api = NULL;
    suggest s;

    if (strcmp(kind, "ClusterPropagationPolicy") == 0) {
        ynode_error(set->diag, kind_node,
                    "kind 'ClusterPropagationPolicy' is not supported; use a PropagationPolicy in each namespace");
        return false;
    }
    suggest_init(&s, kind);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        suggest_offer(&s, kinds[i].kind);
        if (strcmp(kinds[i].kind, kind) == 0 && known_api == NULL) {
            known_api = kinds[i].api;
        }
    }
    if (known_api != NULL) {
        ynode_error(set->diag, ynode_get(root, "apiVersion"),
                    "kind '%s' is not read from apiVersion '%s', but from '%s'", kind, api, known_api);
    } else if (s.best != NULL) {
        ynode_error(set->diag, kind_node, "unknown kind '%s' of '%s' (did you mean '%s'?)", kind, api, s.best);
    } else {
        ynode_error(set->diag, kind_node, "kind '%s' of '%s' is not read", kind, api);
    }
    return false;
}

static bool add_object(spw_manifest_set *set, bind *b, const ynode *root)
{
    const char *api;
    const char *kind;

    if (root->kind != YNODE_MAPPING) {
        ynode_error(set->diag, root, "a document must be one Kubernetes object, that is, a mapping");
        return false;
    }
    api = header(set, root, "apiVersion");
    kind = header(set, root, "kind");
    if (api == NULL || kind == NULL) {
        return false;
    }
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kinds[i].api, api) != 0 || strcmp(kinds[i].kind, kind) != 0) {
            continue;
        }
        if (kinds[i].read != NULL) {
            return kinds[i].read(set, b, root);
        }
        spw_diag_add(set->diag, SPW_DIAG_NOTE, root->file, root->line, root->column,
                     "%s objects do not matter here; passed over", kind);
        return true;
    }
    return refuse_kind(set, root, api, kind);
}

/* `kubectl get -o yaml` wraps several objects in a List. */
static bool add_root(spw_manifest_set *set, bind *b, const ynode *root)
{
    const ynode *kind = ynode_get(root, "kind");
    const ynode *items = ynode_get(root, "items");
    bool ok = true;

    if (kind == NULL || kind->kind != YNODE_SCALAR || strcmp(kind->text, "List") != 0) {
        return add_object(set, b, root);
    }
    if (items == NULL || items->kind != YNODE_SEQUENCE) {
        ynode_error(set->diag, items != NULL ? items : root, "a List needs 'items', a list of objects");
        return false;
    }
    for (size_t i = 0; i < items->count; i++) {
        ok = add_object(set, b, items->items[i]) && ok;
    }
    return ok;
}

spw_rc km_add_doc(spw_manifest_set *set, yamldoc *doc, spw_diag *diag)
{
    yamldoc **docs = grow_array(&set->z, set->docs, set->doc_count, sizeof(yamldoc *));
    bool ok = true;
    bind b;

    if (docs == NULL) {
        yamldoc_free(doc);
        set->broken = true;
        return SPW_NOMEM;
    }
    set->docs = docs;
    docs[set->doc_count++] = doc; /* kept: later messages point into it */
    set->diag = diag;
    bind_init(&b, &set->z, diag);
    b.kube = true;
    b.ignored = on_ignored;
    b.user = set;
    for (size_t i = 0; i < yamldoc_count(doc); i++) {
        ok = add_root(set, &b, yamldoc_root(doc, i)) && ok;
    }
    set->diag = NULL;
    set->broken = set->broken || !ok;
    if (set->z.failed) {
        set->broken = true;
        return SPW_NOMEM;
    }
    return ok ? SPW_OK : SPW_INVAL;
}

static spw_rc add(spw_manifest_set *set, spw_rc rc, yamldoc *doc, spw_diag *diag)
{
    if (rc != SPW_OK) {
        set->broken = true;
        return rc;
    }
    return km_add_doc(set, doc, diag);
}

spw_rc spw_manifest_add_file(spw_manifest_set *set, const char *path, spw_diag *diag)
{
    yamldoc *doc = NULL;
    spw_rc rc;

    assert(set != NULL && path != NULL && diag != NULL);
    rc = yamldoc_read_file(path, &set->z.mem, diag, &doc);
    return add(set, rc, doc, diag);
}

spw_rc spw_manifest_add_text(spw_manifest_set *set, const char *name, const char *text, size_t length, spw_diag *diag)
{
    yamldoc *doc = NULL;
    spw_rc rc;

    assert(set != NULL && name != NULL && text != NULL && diag != NULL);
    rc = yamldoc_read_text(name, text, length, &set->z.mem, diag, &doc);
    return add(set, rc, doc, diag);
}

bool spw_manifest_where(const spw_manifest_set *set, const char *kind, const char *name, const char **file,
                        int32_t *line, int32_t *column)
{
    const km_list *const lists[] = {&set->deployments, &set->policies,    &set->hpas,  &set->scalers, &set->priorities,
                                    &set->budgets,     &set->rebalancers, &set->trips, &set->units};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (const km_head *head = lists[i]->first; head != NULL; head = head->next) {
            if (strcmp(head->kind, kind) == 0 && strcmp(head->full, name) == 0) {
                *file = head->node->file;
                *line = head->meta.name_node->line;
                *column = head->meta.name_node->column;
                return true;
            }
        }
    }
    return false;
}
