/* SPDX-License-Identifier: GPL-3.0-or-later */
/** fuzz_kube.c - a wire that lies, and what becomes of those who listen. */
#include "tests/support/fuzz_kube.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sched/kube/access.h"
#include "sched/kube/lease.h"
#include "sched/kube/manifests.h"
#include "sched/kube/meters.h"
#include "tests/support/fuzz.h"
#include "tests/support/kube_play.h"

#define S SPW_NS_PER_S

typedef struct liar {
    kube_rig *rig;
    choice *c;
    uint64_t one_in; /* answers that are damaged; 0 = none */
    uint64_t damaged;
    struct overheard *calls; /* that have not ended */
} liar;

typedef struct overheard {
    struct overheard *next;
    liar *liar;
    kube_call call;
    uint64_t ticket;
} overheard;

/* The answer as it is, or another one. malloc'ed */
static char *twisted(liar *l, const char *body, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        abort();
    }
    memcpy(text, body, size);
    text[size] = '\0';
    if (l->one_in > 0 && choice_below(l->c, l->one_in) == 0) {
        char *damaged = fuzz_damage_json(l->c, text);
        free(text);
        text = damaged;
        l->damaged++;
    }
    return text;
}

static void forget(liar *l, const overheard *o)
{
    overheard **at = &l->calls;
    while (*at != o) {
        at = &(*at)->next;
    }
    *at = o->next;
    free((void *)(uintptr_t)o);
}

static void on_done(void *user, const kube_answer *answer)
{
    static const int statuses[] = {200, 201, 202, 204, 301, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503, 504};
    overheard *o = user;
    kube_answer said = *answer;
    char *body = twisted(o->liar, answer->body, answer->size);
    said.body = body;
    said.size = strlen(body);
    if (o->liar->one_in > 0 && choice_below(o->liar->c, 3 * o->liar->one_in) == 0) {
        said.status = statuses[choice_below(o->liar->c, sizeof statuses / sizeof statuses[0])];
        said.retry_after = choice_range(o->liar->c, -1, 5) * S;
    }
    o->call.done(o->call.user, &said);
    free(body);
    forget(o->liar, o);
}

static void on_data(void *user, const char *bytes, size_t size)
{
    const overheard *o = user;
    if (o->call.data == NULL) {
        return; /* given up meanwhile */
    }
    char *text = twisted(o->liar, bytes, size);
    o->call.data(o->call.user, text, strlen(text));
    free(text);
}

static spw_rc start_call(void *self, const kube_call *call, uint64_t *ticket)
{
    liar *l = self;
    overheard *o = malloc(sizeof *o);
    kube_call mine = *call;
    if (o == NULL) {
        abort();
    }
    *o = (overheard){.next = l->calls, .liar = l, .call = *call};
    l->calls = o;
    mine.done = on_done;
    mine.data = on_data;
    mine.user = o;
    const spw_rc rc = l->rig->inner.start(l->rig->inner.self, &mine, ticket);
    o->ticket = *ticket;
    return rc;
}

static void cancel_call(void *self, uint64_t ticket)
{
    liar *l = self;
    l->rig->inner.cancel(l->rig->inner.self, ticket);
    for (overheard *o = l->calls; o != NULL; o = o->next) {
        o->call.data = o->ticket == ticket ? NULL : o->call.data;
    }
}

static spw_rc run_calls(void *self, spw_dur longest)
{
    liar *l = self;
    return l->rig->inner.run(l->rig->inner.self, longest);
}

static bool fail(char *why, size_t size, const char *text)
{
    (void)snprintf(why, size, "%s", text);
    return false;
}

/* --- one fleet ------------------------------------------------------------------------------------------------- */

typedef struct fleet {
    kube_rig rig;
    kube_play play;
    liar liar;
    kube_wire wire;
    kube_lease *lease;
    kube_meters *meters;
    kube_meter_spec meter_specs[3];
} fleet;

static void fleet_start(fleet *f, choice *c)
{
    const bool karmada = choice_chance(c, 1, 2);
    memset(f, 0, sizeof *f);
    rig_start(&f->rig, karmada ? KUBE_MODE_KARMADA : KUBE_MODE_KUBERNETES);
    f->liar = (liar){.rig = &f->rig, .c = c, .one_in = 1 + choice_below(c, 6)};
    f->rig.wire = (kube_wire){.self = &f->liar, .start = start_call, .cancel = cancel_call, .run = run_calls};
    play_start(&f->play, &f->rig, 1, 1, 8);
    play_workload(&f->play, "chat", 3);
    kw_put(f->rig.world, RIG_IDC, "/apis/metrics.k8s.io/v1beta1/pods",
           "{\"metadata\":{\"name\":\"chat-5d4f-000\",\"namespace\":\"prod\"},\"timestamp\":\"2026-09-21T14:13:00Z\","
           "\"window\":\"30s\",\"containers\":[{\"usage\":{\"cpu\":\"500m\",\"memory\":\"1Ki\"}}]}");
    const kube_lease_spec lease = {.wire = &f->rig.wire, .space = "s", .name = "l", .identity = "me", .seed = 1};
    f->lease = kube_lease_new(&lease);
    f->meter_specs[0] = (kube_meter_spec){.kind = KUBE_METER_RESOURCE, .cluster = "idc", .space = "prod"};
    f->meter_specs[1] =
        (kube_meter_spec){.kind = KUBE_METER_EXTERNAL, .metric = "depth", .space = "prod", .name = "chat"};
    f->meter_specs[2] = (kube_meter_spec){.kind = KUBE_METER_PODS, .cluster = "idc", .metric = "q", .space = "prod"};
    f->meters = kube_meters_new(f->meter_specs, 3, f->rig.fleet, &f->rig.wire, 1);
}

static void fleet_stop(fleet *f)
{
    kube_meters_free(f->meters);
    kube_lease_free(f->lease);
    rig_stop(&f->rig);
    while (f->liar.calls != NULL) {
        forget(&f->liar, f->liar.calls);
    }
}

static const spw_snapshot *look(fleet *f, spw_err *err)
{
    const spw_snapshot *snap = NULL;
    const spw_source seam = kube_source_seam(f->rig.source);
    const spw_rc rc = seam.observe(seam.self, RIG_UNIX + kw_now(f->rig.world), &snap, err);
    return rc == SPW_OK && spw_snapshot_check(snap, err) == SPW_OK ? snap : NULL;
}

static int32_t assigned_in(const spw_snapshot *snap, spw_id cluster)
{
    for (size_t i = 0; i < snap->placements.count; i++) {
        if (snap->placements.workload[i] == RIG_CHAT && snap->placements.cluster[i] == cluster) {
            return snap->placements.assigned[i];
        }
    }
    return 0;
}

/* A tick with whatever actions. */
static void act(fleet *f, choice *c, const spw_snapshot *snap, uint64_t tick)
{
    const spw_actuator seam = kube_act_seam(f->rig.act);
    const spw_tick_info info = {.now = snap->now, .tick = tick, .snap = snap};
    spw_err err = {0};
    f->rig.told_count = 0;
    (void)seam.begin(seam.self, &info, &err);
    for (uint64_t i = 0; i < 2; i++) {
        const spw_id cluster = (spw_id)i;
        spw_action a = rig_place(RIG_CHAT, cluster, assigned_in(snap, cluster), choice_range(c, 0, 6), SPW_WHY_WEIGHTS);
        if (choice_chance(c, 1, 5)) {
            a.verb = SPW_VERB_SCALE;
            a.cluster = SPW_ID_NONE;
        }
        (void)seam.submit(seam.self, &a, (tick << 20) + i, &err);
    }
    (void)seam.commit(seam.self, &err);
}

/* Objects for the manifest readers, over the same wire. */
static void list_objects(fleet *f)
{
    spw_manifest_set *set = spw_manifest_new(NULL);
    spw_diag *diag = NULL;
    kube_manifests_result result;
    const kube_manifests_spec spec = {.wire = &f->rig.wire, .prefix = ""};
    if (set != NULL && spw_diag_new(NULL, 4, &diag) == SPW_OK) {
        (void)kube_manifests_read(&spec, set, diag, &result);
    }
    spw_diag_free(diag);
    spw_manifest_free(set);
}

static void live(fleet *f, spw_dur how_long)
{
    const spw_time until = kw_now(f->rig.world) + how_long;
    while (kw_now(f->rig.world) < until) {
        play_step(&f->play);
        (void)kube_lease_step(f->lease, kw_now(f->rig.world), RIG_UNIX + kw_now(f->rig.world));
        (void)kube_meters_step(f->meters, kw_now(f->rig.world), RIG_UNIX + kw_now(f->rig.world));
        rig_live(&f->rig, S);
    }
}

static bool tells_the_truth(fleet *f, char *why, size_t why_size)
{
    spw_err err = {0};
    const spw_snapshot *snap = look(f, &err);
    if (snap == NULL) {
        return fail(why, why_size, err.text);
    }
    for (spw_id c = 0; c < 2; c++) {
        const json_t *d = kw_get(f->rig.world, c, "/apis/apps/v1/deployments", "prod", "chat");
        const int64_t truth = d != NULL ? kw_replicas(f->rig.world, c, "prod", "chat") : 0;
        int32_t ready = 0;
        for (size_t i = 0; i < snap->placements.count; i++) {
            ready += snap->placements.workload[i] == RIG_CHAT && snap->placements.cluster[i] == c
                         ? snap->placements.ready[i]
                         : 0;
        }
        const bool plain = f->rig.fleet_spec.mode == KUBE_MODE_KUBERNETES;
        if ((plain && assigned_in(snap, c) != truth) || ready != play_ready(&f->play, c, "chat")) {
            (void)snprintf(why, why_size, "cluster %u: %d assigned, %d ready; in truth %d and %d", (unsigned)c,
                           (int)assigned_in(snap, c), (int)ready, (int)truth, play_ready(&f->play, c, "chat"));
            return false;
        }
    }
    return true;
}

static bool a_lying_fleet(choice *c, fuzz_kube_tally *tally, char *why, size_t why_size)
{
    fleet f;
    bool good = true;
    fleet_start(&f, c);
    for (uint64_t tick = 0; tick < 5 && good; tick++) {
        spw_err err = {0};
        live(&f, 5 * S);
        const spw_snapshot *snap = look(&f, &err);
        good = snap != NULL || fail(why, why_size, err.text);
        if (good) {
            act(&f, c, snap, tick);
        }
    }
    list_objects(&f);
    tally->damaged += f.liar.damaged;
    f.liar.one_in = 0;
    for (size_t s = 0; s < 3; s++) { /* what was heard wrong is forgotten */
        kw_compact(f.rig.world, s);
        kw_end_watches(f.rig.world, s, true);
    }
    live(&f, 200 * S);
    good = good && tells_the_truth(&f, why, why_size);
    if (good && !kube_lease_may_write(f.lease, kw_now(f.rig.world))) {
        good = fail(why, why_size, "nobody leads");
    }
    fleet_stop(&f);
    return good;
}

/* --- kubeconfigs ----------------------------------------------------------------------------------------------- */

static const char CONFIG[] = "apiVersion: v1\n"
                             "kind: Config\n"
                             "current-context: a\n"
                             "contexts:\n"
                             "- name: a\n"
                             "  context: {cluster: c, user: u, namespace: n}\n"
                             "clusters:\n"
                             "- name: c\n"
                             "  cluster:\n"
                             "    server: https://h:6443/x\n"
                             "    certificate-authority-data: aGVsbG8=\n"
                             "users:\n"
                             "- name: u\n"
                             "  user:\n"
                             "    exec:\n"
                             "      apiVersion: client.authentication.k8s.io/v1\n"
                             "      command: ./get-token\n"
                             "      args: [a, b]\n"
                             "      env: [{name: X, value: y}]\n"
                             "      interactiveMode: Never\n";

static const char OTHER[] = "users:\n- name: u\n  user: {token: t, client-certificate-data: Zg==, username: x}\n"
                            "clusters: []\ninsecure-skip-tls-verify: true\nproxy-url: http://p\ntls-server-name: z\n";

static bool a_kubeconfig(choice *c, fuzz_kube_tally *tally, char *why, size_t why_size)
{
    char path[] = "/tmp/spw-fuzz-XXXXXX";
    char *text = fuzz_damage_lines(c, CONFIG, OTHER);
    const int fd = mkstemp(path);
    kube_access_set *set = NULL;
    spw_diag *diag = NULL;
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || spw_diag_new(NULL, 4, &diag) != SPW_OK) {
        abort();
    }
    (void)close(fd);
    const spw_rc rc = kube_access_kubeconfig(path, NULL, diag, &set);
    bool good = true;
    if (rc == SPW_OK) {
        tally->read++;
        good = strncmp(kube_access_get(set)->server, "http", 4) == 0 || fail(why, why_size, "an access to nowhere");
    } else {
        tally->refused++;
        good = (set == NULL && spw_diag_errors(diag) > 0) || fail(why, why_size, "a refusal without a word");
    }
    kube_access_free(set);
    spw_diag_free(diag);
    (void)unlink(path);
    free(text);
    return good;
}

bool fuzz_kube_case(uint64_t seed, fuzz_kube_tally *tally, char *why, size_t why_size)
{
    choice c;
    choice_seed(&c, seed);
    tally->cases++;
    return choice_chance(&c, 1, 4) ? a_kubeconfig(&c, tally, why, why_size) : a_lying_fleet(&c, tally, why, why_size);
}
