/* autograd/var_map.c: a tape's map from objects of the caller's, such as parameters, to the vars that stand for them until the
 * reset: a hash table with linear probing. An entry of an earlier epoch counts as an empty slot, so that a reset clears the map
 * without touching it. At most half of the slots are in use. */
#include <stdint.h>
#include <stdlib.h>

#include "autograd/internal.h"

/* The slot of the key, or the empty slot where it belongs. */
static tap__map_entry *slot_of(const tap__var_map *m, uint32_t epoch, const void *key)
{
    uint64_t at = (uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15u >> 32;
    for (;; at++) {
        tap__map_entry *e = &m->entries[at & (m->max - 1)];
        if (e->epoch != epoch || e->key == key) return e;
    }
}

tap__map_entry *tap__map_find(const tap_tape *t, const void *key)
{
    if (t->map.max == 0) return NULL;
    tap__map_entry *e = slot_of(&t->map, t->epoch, key);
    return e->epoch == t->epoch ? e : NULL;
}

static bool grow(tap_tape *t)
{
    tap__var_map grown = { .max = t->map.max ? 2 * t->map.max : 64 };
    grown.entries = calloc(grown.max, sizeof *grown.entries);
    if (!grown.entries) return false;
    for (uint32_t i = 0; i < t->map.max; i++) {
        const tap__map_entry *e = &t->map.entries[i];
        if (e->epoch == t->epoch) *slot_of(&grown, t->epoch, e->key) = *e;
    }
    grown.n = t->map.n;
    free(t->map.entries);
    t->map = grown;
    return true;
}

tap__map_entry *tap__map_add(tap_tape *t, const void *key)
{
    if (2 * t->map.n >= t->map.max && !grow(t)) {
        tap__no_memory(t, NULL);
        return NULL;
    }
    tap__map_entry *e = slot_of(&t->map, t->epoch, key);
    if (e->epoch != t->epoch) {
        *e = (tap__map_entry){ .key = key, .epoch = t->epoch };
        t->map.n++;
    }
    return e;
}
