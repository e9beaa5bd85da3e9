/* tests/autograd/nodes.h: counts the nodes that a call leaves on the tape t of values.h. */
#ifndef TAP_TESTS_AUTOGRAD_NODES_H
#define TAP_TESTS_AUTOGRAD_NODES_H

#include "autograd/internal.h"
#include "tests/autograd/values.h"

/* Fails unless the call, which is evaluated once, adds `count` nodes. */
#define ASSERT_NODES(count, call) \
    do { \
        const uint32_t before_ = t->n_nodes; \
        const char    *message_; \
        (void)(call); \
        if (tap_tape_status(t, &message_) != TAP_OK) fail_msg("%s: %s", #call, message_); \
        if (t->n_nodes - before_ != (count)) fail_msg("%s: %u nodes, not %d", #call, (unsigned)(t->n_nodes - before_), count); \
    } while (0)

#endif
