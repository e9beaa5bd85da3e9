/* nn/optim/optimizers.c: options, defaults and constructors of all optimizers, from the files that optimizers.h lists. */
#include <math.h>

#include "nn/internal.h"

#define TAP__INCLUDE_OPTIMIZERS
#include "nn/optim/optimizers.h"
