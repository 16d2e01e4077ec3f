// SPDX-License-Identifier: GPL-3.0-or-later
// The whole public interface from C++17: a configuration out of YAML, a snapshot out of JSON, a plan.
#include <cstdio>
#include <cstring>
#include <spillway/abi.h>
#include <spillway/autoscale.h>
#include <spillway/json.h>
#include <spillway/limits.h>
#include <spillway/manifest.h>

int main()
{
    static const char yaml[] = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: n}, spec: {replicas: 2,"
                               " selector: {matchLabels: {x: y}}, template: {metadata: {labels: {x: y}}, spec: {containers: "
                               "[{name: c, image: i}]}}}}";
    static const char json[] = "{\"now_ns\":0,\"clusters\":[],\"workloads\":[{\"namespace\":\"n\",\"name\":\"a\",\"replicas\":2}]}";
    spw_diag *diag = nullptr;
    spw_json_snapshot *snap = nullptr;
    const spw_config *config = nullptr;
    spw_core *core = nullptr;
    spw_plan *plan = nullptr;
    spw_settings settings;
    spw_manifest_set *set = spw_manifest_new(nullptr);
    spw_settings_default(&settings);
    const bool ok = spw_abi_matches() && spw_diag_new(nullptr, 8, &diag) == SPW_OK &&
                    spw_manifest_add_text(set, "a.yaml", yaml, std::strlen(yaml), diag) == SPW_OK &&
                    spw_manifest_config(set, diag, &config) == SPW_OK &&
                    spw_json_snapshot_read(json, std::strlen(json), "s.json", diag, &snap) == SPW_OK &&
                    spw_core_new(&settings, config, spw_mem_libc(), &core, nullptr) == SPW_OK &&
                    spw_plan_new(spw_mem_libc(), 16, 4, &plan) == SPW_OK &&
                    spw_decide(core, spw_json_snapshot_get(snap), plan, nullptr) == SPW_OK;
    std::printf("%s %s: %zu workloads, %zu actions\n", ok ? "ok" : "failed", spw_version(),
                ok ? config->workload_count : 0, ok ? spw_plan_count(plan) : 0);
    spw_plan_free(plan);
    spw_core_free(core);
    spw_json_snapshot_free(snap);
    spw_manifest_free(set);
    spw_diag_free(diag);
    return ok ? 0 : 1;
}
