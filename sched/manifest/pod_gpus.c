/* SPDX-License-Identifier: Apache-2.0 */
/**
 * pod_gpus.c - how many GPUs a pod takes, of which classes, and how much CPU and memory it requests.
 *
 * GPUs of a pod, as Kubernetes counts: the containers and the init containers that keep running (restartPolicy
 * Always) together, or one ordinary init container with the running ones before it, whichever is more.
 */
#include "sched/manifest/pod_spec.h"

#include <inttypes.h>
#include <string.h>

static int64_t gpus_of(const container *c)
{
    return c->resources.limits.gpus > 0 ? c->resources.limits.gpus : 0;
}

bool pod_count_gpus(bind *b, const pod *p, int32_t *gpus)
{
    int64_t running = 0; /* init containers that keep running */
    int64_t most = 0;

    for (size_t i = 0; i < p->init_count; i++) {
        const int64_t here = running + gpus_of(&p->inits[i]);

        most = here > most ? here : most;
        running += p->inits[i].restart != 0 ? gpus_of(&p->inits[i]) : 0;
        if (here > SPW_NODE_GPUS_MAX) {
            break;
        }
    }
    for (size_t i = 0; i < p->container_count && running <= SPW_NODE_GPUS_MAX; i++) {
        running += gpus_of(&p->containers[i]);
    }
    most = running > most ? running : most;
    if (most > SPW_NODE_GPUS_MAX) {
        ynode_error(b->diag, p->node, "the pod wants %" PRId64 " or more GPUs; a node has at most %d", most,
                    SPW_NODE_GPUS_MAX);
        return false;
    }
    *gpus = (int32_t)most;
    return true;
}

static int64_t cpu_of(const container *c)
{
    const int64_t own =
        c->resources.requests.cpu_milli >= 0 ? c->resources.requests.cpu_milli : c->resources.limits.cpu_milli;
    return own > 0 ? own : 0;
}

static int64_t memory_of(const container *c)
{
    const int64_t own =
        c->resources.requests.memory_bytes >= 0 ? c->resources.requests.memory_bytes : c->resources.limits.memory_bytes;
    return own > 0 ? own : 0;
}

/* Sums stop growing beyond what a replica may request: then it is too much anyway. */
static int64_t most_of(const pod *p, int64_t (*of)(const container *))
{
    int64_t running = 0;
    int64_t most = 0;

    for (size_t i = 0; i < p->init_count && running <= SPW_REQUEST_MAX && most <= SPW_REQUEST_MAX; i++) {
        const int64_t own = of(&p->inits[i]) <= SPW_REQUEST_MAX ? of(&p->inits[i]) : SPW_REQUEST_MAX + 1;

        most = running + own > most ? running + own : most;
        running += p->inits[i].restart != 0 ? own : 0;
    }
    for (size_t i = 0; i < p->container_count && running <= SPW_REQUEST_MAX; i++) {
        running += of(&p->containers[i]) <= SPW_REQUEST_MAX ? of(&p->containers[i]) : SPW_REQUEST_MAX + 1;
    }
    return running > most ? running : most;
}

bool pod_count_requests(bind *b, const pod *p, int64_t *cpu_milli, int64_t *memory_bytes)
{
    *cpu_milli = most_of(p, cpu_of);
    *memory_bytes = most_of(p, memory_of);
    if (*cpu_milli > SPW_REQUEST_MAX || *memory_bytes > SPW_REQUEST_MAX) {
        ynode_error(b->diag, p->node, "the pod requests more CPU or memory than any node has");
        return false;
    }
    return true;
}

static bool has_name(const pod_classes *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->at[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_name(pod_classes *list, const char *name)
{
    if (!has_name(list, name)) {
        list->at[list->count++] = name;
    }
}

static bool bad_classes(bind *b, const bind_pair *pair)
{
    ynode_error(b->diag, pair->node, "annotation '%s' must name GPU classes with commas between, not '%s'", pair->key,
                pair->value);
    return false;
}

/* "=0.5" after a class, relative to the reference class; absent = 1. In thousandths. */
static bool read_throughput(bind *b, const bind_pair *pair, const char **at, int32_t *milli)
{
    static const bind_field field = {.kind = BIND_QUANTITY};
    ynode text = *pair->node;
    int64_t value = 0;
    size_t length;

    *milli = 1000;
    if (**at != '=') {
        return true;
    }
    (*at)++;
    length = strcspn(*at, " ,");
    text.quoted = false;
    text.text = length > 0 ? zone_text(b->zone, *at, length) : "";
    if (text.text == NULL || !bind_scalar(b, &field, &text, &value)) {
        return false;
    }
    if (value < 1 || value > SPW_GPU_MILLI_MAX) {
        ynode_error(b->diag, pair->node, "annotation '%s': a throughput is 0.001 to %d, not '%s'", pair->key,
                    SPW_GPU_MILLI_MAX / 1000, text.text);
        return false;
    }
    *milli = (int32_t)value;
    *at += length;
    return true;
}

/* "RTX-5090, RTX-4090=0.5" */
static bool classes_of_annotation(bind *b, const bind_pair *pair, pod_classes *out)
{
    const char *p = pair->value;
    bool differ = false;

    out->at = zone_array(b->zone, strlen(p) + 1, sizeof(*out->at));
    out->milli = zone_array(b->zone, strlen(p) + 1, sizeof(*out->milli));
    if (out->at == NULL || out->milli == NULL) {
        return false;
    }
    do {
        const size_t before = out->count;
        size_t length;
        const char *name;
        int32_t milli;

        p += strspn(p, " ");
        length = strcspn(p, " ,=");
        name = length > 0 ? zone_text(b->zone, p, length) : NULL;
        p += length;
        if (length == 0) {
            return bad_classes(b, pair);
        }
        if (name == NULL || !read_throughput(b, pair, &p, &milli)) {
            return false;
        }
        p += strspn(p, " ");
        if (*p != ',' && *p != '\0') {
            return bad_classes(b, pair);
        }
        add_name(out, name);
        out->milli[out->count - 1] = out->count > before ? milli : out->milli[out->count - 1];
        differ = differ || milli != 1000;
    } while (*p++ == ',');
    out->milli = differ ? out->milli : NULL;
    return true;
}

/* The classes one term allows. *any = it says nothing about the class. */
static bool classes_of_term(bind *b, const node_term *term, pod_classes *out, bool *any)
{
    *any = true;
    for (size_t i = 0; i < term->expression_count; i++) {
        const km_requirement *r = &term->expressions[i];

        if (strcmp(r->key, GPU_PRODUCT) != 0) {
            km_report_ignored(b, r->node, "only " GPU_PRODUCT " decides which nodes fit");
            continue;
        }
        if (r->op != SPW_OP_IN) {
            ynode_error(b->diag, r->node, "only operator In can name GPU classes; list the classes that fit");
            return false;
        }
        if (!*any) {
            ynode_error(b->diag, r->node, GPU_PRODUCT " stands twice in one term; join the two lists");
            return false;
        }
        *any = false;
        for (size_t k = 0; k < r->value_count; k++) {
            add_name(out, r->values[k]);
        }
    }
    return true;
}

/* Terms are alternatives: the classes of all of them, or any class when one does not mention it. */
static bool classes_of_affinity(bind *b, const pod *p, pod_classes *out)
{
    size_t room = 0;
    bool unbound = p->term_count == 0;

    for (size_t i = 0; i < p->term_count; i++) {
        for (size_t k = 0; k < p->terms[i].expression_count; k++) {
            room += p->terms[i].expressions[k].value_count;
        }
    }
    out->at = zone_array(b->zone, room, sizeof(*out->at));
    if (out->at == NULL) {
        return false;
    }
    for (size_t i = 0; i < p->term_count; i++) {
        bool any;

        if (!classes_of_term(b, &p->terms[i], out, &any)) {
            return false;
        }
        unbound = unbound || any;
    }
    if (unbound) {
        out->count = 0;
    }
    return true;
}

bool pod_read_classes(bind *b, const pod *p, const km_meta *meta, pod_classes *out)
{
    const bind_pair *label = km_find(p->node_labels, p->node_label_count, GPU_PRODUCT);
    const bind_pair *own = km_find(p->annotations, p->annotation_count, GPU_CLASSES);

    if (own == NULL) {
        own = km_find(meta->annotations, meta->annotation_count, GPU_CLASSES);
    }
    for (size_t i = 0; i < p->node_label_count; i++) {
        if (&p->node_labels[i] != label) {
            km_report_ignored(b, p->node_labels[i].node->key, "only " GPU_PRODUCT " decides which nodes fit");
        }
    }
    if (!classes_of_affinity(b, p, out)) {
        return false;
    }
    if (own != NULL) {
        *out = (pod_classes){NULL, NULL, 0};
        return classes_of_annotation(b, own, out);
    }
    if (label == NULL) {
        return true;
    }
    if (out->count > 0 && !has_name(out, label->value)) {
        ynode_error(b->diag, label->node, "nodeSelector wants GPU class '%s', which the node affinity excludes",
                    label->value);
        return false;
    }
    out->at = zone_array(b->zone, 1, sizeof(*out->at));
    if (out->at == NULL) {
        return false;
    }
    out->at[0] = label->value;
    out->count = 1;
    return true;
}

bool pod_read_min_available(bind *b, const pod *p, const km_meta *meta, int32_t *out)
{
    static const bind_field field = {
        .key = MIN_AVAILABLE, .kind = BIND_INT32, .range = BIND_MIN | BIND_MAX, .min = 0, .max = SPW_REPLICAS_MAX};
    const bind_pair *own = km_find(p->annotations, p->annotation_count, MIN_AVAILABLE);
    ynode plain;

    *out = 0;
    if (own == NULL) {
        own = km_find(meta->annotations, meta->annotation_count, MIN_AVAILABLE);
    }
    if (own == NULL) {
        return true;
    }
    plain = *own->node; /* an annotation is always quoted, so its text may be any kind of value */
    plain.quoted = false;
    return bind_scalar(b, &field, &plain, out);
}

bool pod_read_replica_unit(bind *b, const pod *p, const km_meta *meta, const pod_classes *classes, bool *by_reference)
{
    static const bind_name names[] = {{"replica", 0}, {"reference", 1}, {NULL, 0}};
    const bind_pair *own = km_find(p->annotations, p->annotation_count, REPLICA_UNIT);

    *by_reference = false;
    if (own == NULL) {
        own = km_find(meta->annotations, meta->annotation_count, REPLICA_UNIT);
    }
    if (own == NULL) {
        return true;
    }
    for (const bind_name *name = names; name->text != NULL; name++) {
        if (strcmp(name->text, own->value) != 0) {
            continue;
        }
        *by_reference = name->value == 1;
        if (*by_reference && classes->milli == NULL) {
            ynode_error(b->diag, own->node, "replica-unit 'reference' needs " GPU_CLASSES " with throughputs");
            return false;
        }
        return true;
    }
    return bind_unknown_name(b, own->node, "unit of replicas", names);
}
