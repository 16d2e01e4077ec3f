/* SPDX-License-Identifier: Apache-2.0 */
/**
 * pod_gpus.c - how many GPUs a pod takes, and of which classes.
 *
 * GPUs of a pod, as Kubernetes counts: the containers and the init containers that keep running (restartPolicy
 * Always) together, or one ordinary init container with the running ones before it, whichever is more.
 */
#include "sched/manifest/pod_spec.h"

#include <inttypes.h>
#include <string.h>

static int64_t gpus_of(const container *c)
{
    return c->resources.gpu_limit > 0 ? c->resources.gpu_limit : 0;
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

/* "RTX-5090, RTX-4090" */
static bool classes_of_annotation(bind *b, const bind_pair *pair, pod_classes *out)
{
    const char *p = pair->value;

    out->at = zone_array(b->zone, strlen(p) + 1, sizeof(*out->at));
    if (out->at == NULL) {
        return false;
    }
    do {
        size_t length;
        const char *name;

        p += strspn(p, " ");
        length = strcspn(p, " ,");
        name = length > 0 ? zone_text(b->zone, p, length) : NULL;
        p += length;
        p += strspn(p, " ");
        if (length == 0 || (*p != ',' && *p != '\0')) {
            ynode_error(b->diag, pair->node, "annotation '%s' must name GPU classes with commas between, not '%s'",
                        pair->key, pair->value);
            return false;
        }
        if (name == NULL) {
            return false;
        }
        add_name(out, name);
    } while (*p++ == ',');
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
        *out = (pod_classes){NULL, 0};
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
