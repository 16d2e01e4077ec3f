/* SPDX-License-Identifier: Apache-2.0 */
/**
 * bind.h - from a YAML tree to C structs by tables of fields, and the same tables printed as a schema.
 *
 * One row per key: kind, offset, range, default, help. The reader is strict: unknown keys, wrong types, missing units,
 * values out of range and missing required keys are errors with position, path and a helping word. It goes on after
 * an error, so that one run shows several.
 *
 * Storage by kind (what must stand at `offset`):
 *   STRING       const char *            never NULL after a preset or a value; NULL when absent without a preset
 *   BOOL         bool                    only plain true / false
 *   INT32 INT64 UINT64 DOUBLE            int32_t, int64_t, uint64_t, double; plain scalars only; DOUBLE is finite
 *   DURATION     int64_t  ns             15s 5m 24h 1h30m 250ms 1.5h 2d (d h m s ms us ns)
 *   RATE         double   per second     40/s 2.5/m 100/h 10/d
 *   SIZE         int64_t  bytes          512B 16kB 80GB 1TB 4KiB 24GiB
 *   MONEY        int64_t  micro-USD      "1.25 USD", or "1.25 USD/h" when the field's unit is "/h"; exact
 *   PERCENT      double   fraction       80% gives 0.8
 *   QUANTITY     int64_t  milli-units    Kubernetes: 500m 1Gi 2e3 0.5, rounded up; negative only with a negative min
 *   CLOCK        int64_t  ns since 00:00 "14:00", "14:00:30"
 *   TIME         bind_time               2026-03-02T00:00:00+08:00 (RFC 3339)
 *   ENUM         a C enum or int32_t     one of `names`
 *   SCALARS      T *array                list of kind `item` (any kind above; ENUM with `names`); count at count_at
 *   TABLE        the struct itself       a mapping, read by `table`; presets of the table apply when absent
 *   OPTION       struct *                a mapping; NULL when absent
 *   LIST         struct *array           list of mappings; count at count_at
 *   MAP          struct *array           mapping of free keys to mappings; the key goes to table->key_at
 *   TEXTS        bind_pair *array        mapping of free keys to strings (labels); count at count_at
 *   NODE         const ynode *           the sub-tree as it is
 *   CUSTOM       whatever `custom` does
 * C enums must be 4 bytes wide (gcc's and clang's default).
 */
#ifndef SCHED_MANIFEST_BIND_H
#define SCHED_MANIFEST_BIND_H

#include "sched/manifest/yamldoc.h"

#include <stdio.h>

typedef enum bind_kind {
    BIND_STRING = 1,
    BIND_BOOL,
    BIND_INT32,
    BIND_INT64,
    BIND_UINT64,
    BIND_DOUBLE,
    BIND_DURATION,
    BIND_RATE,
    BIND_SIZE,
    BIND_MONEY,
    BIND_PERCENT,
    BIND_QUANTITY,
    BIND_CLOCK,
    BIND_TIME,
    BIND_ENUM,
    BIND_SCALARS,
    BIND_TABLE,
    BIND_OPTION,
    BIND_LIST,
    BIND_MAP,
    BIND_TEXTS,
    BIND_NODE,
    BIND_CUSTOM
} bind_kind;

/** What happens to a key that the table knows. */
typedef enum bind_class {
    BIND_USED = 0,    /**< read */
    BIND_IGNORED = 1, /**< accepted, not read, reported to bind.ignored; `help` says why */
    BIND_REFUSED = 2  /**< known, but an error here; `help` says why, as the end of a sentence */
} bind_class;

/** Bits of bind_field.range. Limits are in the unit people write: seconds, per second, bytes, USD, percent, units. */
enum { BIND_MIN = 1, BIND_MAX = 2, BIND_ABOVE = 4 /**< value > min instead of >= */ };

typedef struct bind_name {
    const char *text; /**< NULL ends the list */
    int32_t value;
} bind_name;

typedef struct bind_pair {
    const char *key;
    const char *value;
    const ynode *node; /**< of the value, for later messages; its key is node->key */
} bind_pair;

typedef struct bind_time {
    int64_t unix_ns;  /**< since 1970-01-01T00:00:00Z */
    int32_t offset_s; /**< of the zone written, east positive */
} bind_time;

typedef struct bind bind;
typedef struct bind_field bind_field;
typedef struct bind_table bind_table;

/** Reads node (never NULL, never null) into *at. Adds its own errors. @return false when it added one. */
typedef bool bind_custom_fn(bind *b, const bind_field *field, const ynode *node, void *at);

struct bind_field {
    const char *key; /**< NULL ends the table */
    bind_kind kind;
    bind_kind item; /**< SCALARS: kind of the items */
    bind_class use;
    bool required;  /**< not for fields with a preset */
    unsigned range; /**< BIND_MIN | BIND_MAX | BIND_ABOVE; for lists: of each item */
    double min;
    double max;
    size_t count_min; /**< SCALARS, LIST, MAP, TEXTS: fewest elements, when present */
    size_t offset;
    size_t count_at;    /**< offset of a size_t count, plus 1; 0 = none. Use BIND_COUNT() */
    size_t has_at;      /**< offset of a bool set to "key was present", plus 1; 0 = none. Use BIND_HAS() */
    size_t node_at;     /**< offset of a const ynode * set to the value's node, plus 1; 0 = none. BIND_NODE_AT() */
    const char *unit;   /**< shown in the schema; MONEY: what follows "USD", e.g. "/h" */
    const char *preset; /**< default as it would be written; NULL = the struct keeps what it holds */
    const bind_name *names;
    const bind_table *table;
    bind_custom_fn *custom;
    const char *help;
};

#define BIND_AT(type, member)      .offset = offsetof(type, member)
#define BIND_COUNT(type, member)   .count_at = offsetof(type, member) + 1u
#define BIND_HAS(type, member)     .has_at = offsetof(type, member) + 1u
#define BIND_NODE_AT(type, member) .node_at = offsetof(type, member) + 1u

/** Extra fields for one value of the table's tag; they bind to the same struct (usually to a union in it). */
typedef struct bind_variant {
    const char *value; /**< NULL ends the list */
    const bind_field *fields;
    const char *help;
} bind_variant;

struct bind_table {
    const char *name; /**< heading in the schema */
    size_t size;      /**< sizeof of the struct */
    const bind_field *fields;
    const char *tag;              /**< key whose scalar picks a variant, e.g. "kind"; NULL = none */
    const bind_variant *variants; /**< with tag; the tag itself is an ordinary field in `fields` */
    size_t key_at;                /**< MAP: offset of a const char * for the key, plus 1; 0 = none */
    size_t self_at;               /**< offset of a const ynode * set to the mapping, plus 1; 0 = none */
    void (*init)(void *object);   /**< fills a struct before presets and values; NULL = zero */
    /** After all keys: relations between fields. Called only when the keys had no error. false = added an error. */
    bool (*check)(bind *b, const ynode *node, void *object);
    const char *help;
};

/** One reading. Fill with bind_init(), then change flags. */
struct bind {
    zone *zone;     /**< strings and arrays go here; must outlive what was bound */
    spw_diag *diag; /**< never NULL */
    /** Kubernetes manners: `key:` without value means absent, and a plain 5 or true is no string. */
    bool kube;
    /** Told of each BIND_IGNORED key that is present; may be NULL. */
    void (*ignored)(void *user, const ynode *key, const char *why);
    void *user; /**< for `ignored` and for custom functions */
};

void bind_init(bind *b, zone *z, spw_diag *diag);

/**
 * Binds a mapping to *object (zeroed and preset first). node may be NULL: presets only, and required keys are NOT
 * reported.
 * @return true when no error was added. On false *object holds valid but partly default values.
 */
bool bind_object(bind *b, const bind_table *table, const ynode *node, void *object);

/** One scalar of a field's kind (range included) into *at, for custom functions. @return false = error added. */
bool bind_scalar(bind *b, const bind_field *field, const ynode *node, void *at);

/** One list of mappings, for custom functions. @return false = error added. */
bool bind_list(bind *b, const bind_table *table, const ynode *node, void **array, size_t *count);

/** "'spec.x' " for messages: the path of a node in quotes, "the document" at a root. @return buf. */
const char *bind_where(const ynode *node, char *buf, size_t size);

/** Adds "unknown NOUN 'text' (did you mean 'y'?)" at node, candidates from names. Always returns false. */
bool bind_unknown_name(bind *b, const ynode *node, const char *noun, const bind_name *names);

/* Text to value, without a tree. Each returns NULL on success, else a static sentence; *out untouched then. */
const char *bind_parse_duration(const char *text, int64_t *ns);
const char *bind_parse_rate(const char *text, double *per_s);
const char *bind_parse_size(const char *text, int64_t *bytes);
const char *bind_parse_money(const char *text, const char *suffix, int64_t *uusd); /**< suffix may be NULL */
const char *bind_parse_percent(const char *text, double *fraction);
const char *bind_parse_int64(const char *text, int64_t *value);
const char *bind_parse_uint64(const char *text, uint64_t *value);
const char *bind_parse_double(const char *text, double *value);
const char *bind_parse_clock(const char *text, int64_t *ns);
const char *bind_parse_time(const char *text, bind_time *value);

typedef enum bind_schema_form { BIND_SCHEMA_TEXT = 1, BIND_SCHEMA_MARKDOWN = 2 } bind_schema_form;

/** Writes every key reachable from table: path, kind, unit, default, range, help. @return false on a write error. */
bool bind_print_schema(FILE *out, const bind_table *table, bind_schema_form form);

#endif
