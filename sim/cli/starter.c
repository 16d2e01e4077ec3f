/* SPDX-License-Identifier: GPL-3.0-or-later */
/* starter.c - see starter.h. */
#include "sim/cli/starter.h"

#include <stddef.h>

/* One line of a file, one line of text. */
/* clang-format off */

static const char time_text[] =
    "spec:\n"
    "  start: 2026-03-02T08:00:00+08:00   # a Monday morning; anchors the daily pattern of traffic\n"
    "  duration: 4h                       # simulated time, warm-up included\n"
    "  warmup: 30m                        # left out of all statistics\n"
    "  seed: 1                            # the same seed gives the same bytes; another seed, another day\n"
    "\n"
    "  # The Kubernetes objects that you would apply, unchanged. Put your own here.\n";

static const char world_text[] =
    "\n"
    "  regions:                           # where users and clusters are; distances stand in a table\n"
    "    - {name: cn-hangzhou}\n"
    "    - {name: cn-beijing}\n"
    "\n"
    "  clusters:                          # the names that the PropagationPolicy refers to\n"
    "    - name: idc\n"
    "      region: cn-hangzhou\n"
    "      provider: on-premises\n"
    "      pools:\n"
    "        - {name: owned, gpu: RTX-5090, gpusPerNode: 8, nodes: 1, capacity: owned}   # paid for day and night\n"
    "    - name: cloud\n"
    "      region: cn-hangzhou\n"
    "      provider: alibaba\n"
    "      pools:                         # ordered when needed; a node takes minutes to come\n"
    "        - {name: on-demand, gpu: RTX-5090, gpusPerNode: 4, capacity: on-demand, nodes: {min: 0, max: 3}}\n"
    "    - name: far\n"
    "      region: cn-beijing\n"
    "      provider: alibaba\n"
    "      pools:                         # cheap, 29 ms away, and taken back by the market now and then\n"
    "        - {name: spot, gpu: RTX-4090, gpusPerNode: 4, capacity: spot, nodes: {max: 6}, market: alibaba}\n"
    "\n"
    "  services:\n"
    "    - workload: prod/chat            # a Deployment in the manifests\n"
    "      model: Llama-3.1-8B            # spillway list models\n"
    "      slo: {ttft: {p95: 2s}, tpot: {p95: 80ms}}   # first token within 2 s, then 80 ms for each\n"
    "      timeout: 60s                   # users who get no answer by then leave\n"
    "      traffic:\n"
    "        - {kind: diurnal, from: cn-hangzhou, peak: 70/s, trough: 10/s, peakAt: \"10:00\"}\n"
    "      lengths:                       # tokens of a request and of its answer\n"
    "        input: {lognormal: {median: 512, sigma: 1.0}}\n"
    "        output: {lognormal: {median: 180, sigma: 0.8}, max: 2048}\n"
    "\n"
    "  metrics: {scrape: 15s, delay: 5s, noise: 0.02, dropout: 0.001}   # how well the control plane sees\n";

static const char policy_head[] =
    "# The groups are filled in this order and emptied in the reverse one.\n"
    "apiVersion: policy.one.alibabacloud.com/v1alpha1\n"
    "kind: PropagationPolicy\n"
    "metadata:\n"
    "  name: chat\n"
    "  namespace: prod\n"
    "  annotations:\n"
    "    spillway.dev/failback: automatic       # replicas go home when there is room again\n"
    "    spillway.dev/failback-window: 5m\n"
    "    spillway.dev/node-unneeded: 5m         # an empty node is given back after this\n"
    "spec:\n"
    "  resourceSelectors:\n"
    "    - {apiVersion: apps/v1, kind: Deployment, namespace: prod, name: chat}\n"
    "  placement:\n"
    "    clusterAffinities:\n"
    "      - {affinityName: owned, clusterNames: [idc]}\n";

static const char policy_tail[] =
    "    replicaScheduling:\n"
    "      replicaSchedulingType: Divided\n"
    "      replicaDivisionPreference: Weighted\n"
    "      weightPreference: {dynamicWeight: AvailableReplicas}\n"
    "  autoScaling:\n"
    "    ecsProvision: true                     # the core may order nodes\n";

static const char *const cloud_near[] = {
    "# A chat service on owned GPUs that overflows to the cloud nearby, then to spot cards far away.\n"
    "#\n"
    "# Run it:      spillway run cloud-near.yaml\n"
    "# Compare it:  spillway compare cloud-near.yaml spot-far.yaml\n"
    "# All keys:    spillway schema\n"
    "apiVersion: spillway.dev/v1alpha1\n"
    "kind: Scenario\n"
    "metadata: {name: cloud-near}\n",
    time_text,
    "  manifests: [manifests/chat.yaml, manifests/hpa.yaml, manifests/policy-cloud-near.yaml]\n",
    world_text,
    NULL};

static const char *const spot_far[] = {
    "# The same users and fleet with the two cloud groups swapped: spot cards far away come first.\n"
    "#\n"
    "# Run it:      spillway run spot-far.yaml\n"
    "# Compare it:  spillway compare cloud-near.yaml spot-far.yaml\n"
    "# All keys:    spillway schema\n"
    "apiVersion: spillway.dev/v1alpha1\n"
    "kind: Scenario\n"
    "metadata: {name: spot-far}\n",
    time_text,
    "  manifests: [manifests/chat.yaml, manifests/hpa.yaml, manifests/policy-spot-far.yaml]\n",
    world_text,
    NULL};

static const char *const chat[] = {
    "# The service: one replica is one GPU with vLLM. A 4090 does 0.46 of the work of a 5090.\n"
    "apiVersion: apps/v1\n"
    "kind: Deployment\n"
    "metadata:\n"
    "  name: chat\n"
    "  namespace: prod\n"
    "spec:\n"
    "  replicas: 6\n"
    "  selector:\n"
    "    matchLabels: {app: chat}\n"
    "  template:\n"
    "    metadata:\n"
    "      labels: {app: chat}\n"
    "      annotations:\n"
    "        spillway.dev/gpu-classes: \"RTX-5090,RTX-4090=0.46\"\n"
    "    spec:\n"
    "      containers:\n"
    "        - name: vllm\n"
    "          image: vllm/vllm-openai:v0.19.0\n"
    "          resources:\n"
    "            limits: {nvidia.com/gpu: \"1\"}\n",
    NULL};

static const char *const hpa[] = {
    "# How many: enough replicas that each has about 32 requests running. Up at once, down over five minutes.\n"
    "apiVersion: autoscaling/v2\n"
    "kind: HorizontalPodAutoscaler\n"
    "metadata:\n"
    "  name: chat\n"
    "  namespace: prod\n"
    "spec:\n"
    "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: chat}\n"
    "  minReplicas: 4\n"
    "  maxReplicas: 80\n"
    "  metrics:\n"
    "    - type: Pods\n"
    "      pods:\n"
    "        metric: {name: vllm_num_requests_running}\n"
    "        target: {type: AverageValue, averageValue: \"32\"}\n"
    "  behavior:\n"
    "    scaleUp: {stabilizationWindowSeconds: 0}\n"
    "    scaleDown: {stabilizationWindowSeconds: 300}\n",
    NULL};

static const char *const policy_near[] = {
    "# Where: owned GPUs first, then on-demand nodes in the same city, then spot cards far away.\n",
    policy_head,
    "      - {affinityName: near, clusterNames: [cloud]}\n"
    "      - {affinityName: far, clusterNames: [far]}\n",
    policy_tail,
    NULL};

static const char *const policy_far[] = {
    "# Where: owned GPUs first, then spot cards far away, then on-demand nodes in the same city.\n",
    policy_head,
    "      - {affinityName: far, clusterNames: [far]}\n"
    "      - {affinityName: near, clusterNames: [cloud]}\n",
    policy_tail,
    NULL};

const starter_file starter_files[] = {{"cloud-near.yaml", cloud_near},
                                      {"spot-far.yaml", spot_far},
                                      {"manifests/chat.yaml", chat},
                                      {"manifests/hpa.yaml", hpa},
                                      {"manifests/policy-cloud-near.yaml", policy_near},
                                      {"manifests/policy-spot-far.yaml", policy_far},
                                      {NULL, NULL}};
