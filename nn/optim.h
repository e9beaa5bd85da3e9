/* nn/optim.h: optimizers, groups of parameters, schedules of learning rates, clipping of gradients, averages of weights. */
#ifndef TAP_NN_OPTIM_H
#define TAP_NN_OPTIM_H

#include "nn/module.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Optimizers (optim/optimizers.c, a header each; optim/lbfgs.c) -------------------------------------------------- */

typedef struct tap_optim tap_optim; /* owned by its root */

/* An optimizer of all parameters that exist now at and below m. It uses gradients of backward passes since it was made. A
 * parameter has one optimizer at a time; a parameter made later below m needs one of its own, or the next step is an error. A
 * parameter that no backward pass has reached since the last step is not changed, nor are its state and its count of steps;
 * weight decay does not apply to it. The formulas are for a parameter x with gradient g in its step t = 1, 2, ...; states are 0
 * before the first step. A checkpoint holds the states under PyTorch's names.
 *
 * Options of {0} give PyTorch's defaults, in brackets. TAP_ZERO asks for 0; any other negative number is an error. maximize:
 * the gradient is negated, so that the function grows. */

typedef struct {
    double lr;           /* the paper's alpha [1e-3] */
    double beta1, beta2; /* below 1 [0.9, 0.999] */
    double eps;          /* [1e-8] */
    double weight_decay; /* adam: L2, added to the gradient [0]; adamw: decoupled from it [0.01] */
    bool   amsgrad;      /* use the largest second moment so far: Reddi et al. 2018 */
    bool   maximize;
} tap_adam_options;
typedef tap_adam_options tap_adamw_options;

/* Adam, Kingma & Ba 2015, algorithm 1:
 *     g = g + weight_decay x,   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2,
 *     m_hat = m / (1 - beta1^t),   v_hat = v / (1 - beta2^t),   x = x - lr m_hat / (sqrt(v_hat) + eps)
 * With amsgrad, v_hat is computed from the largest v so far. */
TAP_API tap_optim *tap_adam_new(tap_module *m, tap_adam_options o);
/* Loshchilov & Hutter 2019: x = x - lr weight_decay x, then Adam's step without weight decay */
TAP_API tap_optim *tap_adamw_new(tap_module *m, tap_adamw_options o);

typedef struct {
    double lr;           /* [1e-3] */
    double momentum;     /* [0] */
    double dampening;    /* [0] */
    double weight_decay; /* L2: added to the gradient [0] */
    bool   nesterov;     /* needs a momentum, and no dampening */
    bool   maximize;
} tap_sgd_options;

/* Stochastic gradient descent in PyTorch's form: g = g + weight_decay x, v = momentum v + (1 - dampening) g, but v = g in the
 * first step, x = x - lr v or, with Nesterov's momentum, x = x - lr (g + momentum v) */
TAP_API tap_optim *tap_sgd_new(tap_module *m, tap_sgd_options o);

typedef struct {
    double lr;           /* [2e-3] */
    double beta1, beta2; /* below 1 [0.9, 0.999] */
    double eps;          /* [1e-8] */
    double weight_decay; /* L2: added to the gradient [0] */
    bool   maximize;
} tap_adamax_options;

/* Kingma & Ba 2015, algorithm 2: m as in Adam, u = max(beta2 u, |g| + eps), x = x - lr / (1 - beta1^t) m / u */
TAP_API tap_optim *tap_adamax_new(tap_module *m, tap_adamax_options o);

typedef struct {
    double lr;                     /* [2e-3] */
    double beta1, beta2;           /* below 1 [0.9, 0.999] */
    double eps;                    /* [1e-8] */
    double weight_decay;           /* [0] */
    double momentum_decay;         /* [4e-3] */
    bool   decoupled_weight_decay; /* as in AdamW; else L2 */
    bool   maximize;
} tap_nadam_options;

/* Adam with Nesterov's momentum, Dozat 2016: m and v as in Adam, mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2), p_t = mu_1 ...
 * mu_t, x = x - lr ((1 - mu_t) / (1 - p_t) g + mu_t+1 / (1 - p_t+1) m) / (sqrt(v_hat) + eps) */
TAP_API tap_optim *tap_nadam_new(tap_module *m, tap_nadam_options o);

typedef struct {
    double lr;                     /* [1e-3] */
    double beta1, beta2;           /* below 1 [0.9, 0.999] */
    double eps;                    /* [1e-8] */
    double weight_decay;           /* [0] */
    bool   decoupled_weight_decay; /* as in AdamW; else L2 */
    bool   maximize;
} tap_radam_options;

/* Rectified Adam, Liu et al. 2020: m, m_hat and v as in Adam, rho = rho_inf - 2 t beta2^t / (1 - beta2^t) with rho_inf = 2 / (1
 * - beta2) - 1; x = x - lr m_hat as long as rho <= 5, then x = x - lr m_hat r sqrt(1 - beta2^t) / (sqrt(v) + eps), r^2 = (rho -
 * 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho) */
TAP_API tap_optim *tap_radam_new(tap_module *m, tap_radam_options o);

typedef struct {
    double lr;           /* [1e-2] */
    double alpha;        /* [0.99] */
    double eps;          /* outside the root [1e-8] */
    double weight_decay; /* L2: added to the gradient [0] */
    double momentum;     /* [0] */
    bool   centered;     /* divide by the standard deviation of the gradient */
    bool   maximize;
} tap_rmsprop_options;

/* Hinton 2012: g = g + weight_decay x, v = alpha v + (1 - alpha) g^2, d = g / (sqrt(v) + eps), or centered (Graves 2013) with v
 * - a^2 for v, a = alpha a + (1 - alpha) g; b = momentum b + d, x = x - lr b */
TAP_API tap_optim *tap_rmsprop_new(tap_module *m, tap_rmsprop_options o);

typedef struct {
    double lr;                        /* [1e-2] */
    double lr_decay;                  /* [0] */
    double weight_decay;              /* L2: added to the gradient [0] */
    double initial_accumulator_value; /* [0] */
    double eps;                       /* outside the root [1e-10] */
    bool   maximize;
} tap_adagrad_options;

/* Duchi et al. 2011: g = g + weight_decay x, v = v + g^2, x = x - lr / (1 + (t - 1) lr_decay) g / (sqrt(v) + eps) */
TAP_API tap_optim *tap_adagrad_new(tap_module *m, tap_adagrad_options o);

typedef struct {
    double lr;           /* [1] */
    double rho;          /* below 1 [0.9] */
    double eps;          /* inside the roots [1e-6] */
    double weight_decay; /* L2: added to the gradient [0] */
    bool   maximize;
} tap_adadelta_options;

/* Zeiler 2012: g = g + weight_decay x, v = rho v + (1 - rho) g^2, d = sqrt(u + eps) / sqrt(v + eps) g, u = rho u + (1 - rho)
 * d^2, x = x - lr d */
TAP_API tap_optim *tap_adadelta_new(tap_module *m, tap_adadelta_options o);

typedef struct {
    double lr;                           /* the first step size [1e-2] */
    double etaminus, etaplus;            /* 0 < etaminus < 1 < etaplus [0.5, 1.2] */
    double step_size_min, step_size_max; /* [1e-6, 50] */
    bool   maximize;
} tap_rprop_options;

/* Resilient backpropagation, Riedmiller & Braun 1993, which uses signs of gradients alone. Each element has a step size s, lr
 * at first. If the signs of g and of the gradient p before agree, s grows by etaplus; if not, it shrinks by etaminus, and the
 * element is not moved (g = 0). s is kept within step_size_min..max. x = x - sign(g) s */
TAP_API tap_optim *tap_rprop_new(tap_module *m, tap_rprop_options o);

typedef struct {
    double lr;           /* [1e-2] */
    double lambd;        /* decay of the weights [1e-4] */
    double alpha;        /* power of the decay of the rate [0.75] */
    double t0;           /* the step after which averaging begins [1e6] */
    double weight_decay; /* L2: added to the gradient [0] */
    bool   maximize;
} tap_asgd_options;

/* Averaged stochastic gradient descent, Polyak & Juditsky 1992: g = g + weight_decay x, x = (1 - lambd eta) x - eta g, ax = ax
 * + mu (x - ax), then eta = lr / (1 + lambd lr t)^alpha and mu = 1 / max(1, t - t0); eta is lr, mu 1 at first */
TAP_API tap_optim *tap_asgd_new(tap_module *m, tap_asgd_options o);

typedef struct {
    double  lr;               /* factor of the steps [1] */
    int64_t max_iter;         /* iterations of a step [20] */
    int64_t max_eval;         /* evaluations of the loss in a step [max_iter 5/4] */
    double  tolerance_grad;   /* a step ends when no element of the gradient is larger [1e-7] */
    double  tolerance_change; /* or when values and loss change by no more [1e-9] */
    int64_t history_size;     /* [100] */
    bool    strong_wolfe;     /* a line search: PyTorch's line_search_fn = "strong_wolfe" */
} tap_lbfgs_options;

/* L-BFGS, Nocedal & Wright 2006, algorithm 7.4: x = x + t d, where d = -H g, and H, an estimate of the inverse Hessian, comes
 * from the last history_size steps. t is lr (in the first iteration lr min(1, 1 / |g|_1)) or, with strong_wolfe, found from
 * there by a line search (algorithms 3.5 and 3.6). It holds 2 history_size + 8 copies of the parameters, and steps by
 * tap_optim_step_closure, for deterministic losses. It has no groups. */
TAP_API tap_optim *tap_lbfgs_new(tap_module *m, tap_lbfgs_options o);

/* ---- Steps (optim/step.c, optim/optim.c, optim/lbfgs.c) ------------------------------------------------------------- */

/* One step with the accumulated gradients, which count as zero afterwards. Does nothing, and returns the status, if the tape
 * (NULL: no tape is asked) or the root has failed. */
TAP_API tap_status tap_optim_step(tap_optim *o, tap_tape *t);
/* A step with gradients of a loss that the step evaluates itself, on the tape, which is reset before each evaluation: once or,
 * for L-BFGS, several times. Returns the loss before the step; NaN, and the values are as before, on an error. */
TAP_API double tap_optim_step_closure(tap_optim *o, tap_tape *t, tap_module_function loss, void *ctx);
TAP_API bool   tap_optim_finite(const tap_optim *o);      /* whether all gradients of the next step are finite */
TAP_API void   tap_optim_set_lr(tap_optim *o, double lr); /* of all groups; at least 0 */
TAP_API double tap_optim_lr(const tap_optim *o);          /* of group 0; NaN if the optimizer could not be made */
/* An option of a group, by its name in the options struct, such as "weight_decay"; a flag is 0 or 1. Flags, counts, and options
 * that need another state, such as the first momentum, are set before the first step. */
TAP_API void   tap_optim_set(tap_optim *o, int group, const char *option, double value);
TAP_API double tap_optim_get(const tap_optim *o, int group, const char *option); /* NaN if there is none */
/* Frees an optimizer before its root, so that its parameters may have another one. No checkpoint may hold it. NULL is
 * allowed. */
TAP_API void tap_optim_free(tap_optim *o);

/* ---- Groups of parameters (optim/optim.c) --------------------------------------------------------------------------- */

/* Groups of parameters with options of their own, PyTorch's param_groups. Group 0 holds all parameters at first. No weight
 * decay for biases and norms:
 *
 *     tap_optim_group(o, tap_is_vector, NULL, (tap_group_options){ .weight_decay = TAP_ZERO });
 *
 * Groups are made before the first step, and before a checkpoint or a schedule is told of the optimizer. */
typedef bool (*tap_param_predicate)(const tap_param *p, void *ctx);
TAP_API bool tap_is_vector(const tap_param *p, void *unused); /* at most one axis: biases, weights of normalizations */
TAP_API bool tap_is_matrix(const tap_param *p, void *unused); /* two or more axes: weights of linear layers and convolutions */
TAP_API bool tap_is_below(const tap_param *p, void *module);  /* at or below the module */

/* Options that differ from those of group 0; 0 stands for its value, TAP_ZERO for 0. An option that the algorithm does not
 * have is an error. tap_optim_set sets all other options. */
typedef struct {
    double lr, weight_decay, momentum, beta1, beta2, eps;
} tap_group_options;

/* Moves the optimizer's parameters for which the predicate is true, or those of a list, from their groups to a new one. Returns
 * its number: 1, 2, ...; 0 on an error of the root. */
TAP_API int    tap_optim_group(tap_optim *o, tap_param_predicate which, void *ctx, tap_group_options g);
TAP_API int    tap_optim_group_list(tap_optim *o, int n, tap_param *const *params, tap_group_options g);
TAP_API int    tap_optim_groups(const tap_optim *o); /* how many there are, including group 0 */
TAP_API double tap_optim_group_lr(const tap_optim *o, int group);

/* ---- Clipping of gradients (optim/clip.c) --------------------------------------------------------------------------- */

/* The gradients at and below m as one vector, torch.nn.utils' clip_grad_norm_ and clip_grad_value_: between the backward pass
 * and the step. Frozen parameters, and those that no backward pass has reached since the last step, are left out. {0} gives the
 * defaults in brackets. */
typedef struct {
    double norm_type;          /* p, above 0, or INFINITY [2] */
    bool   error_if_nonfinite; /* fail (TAP_ENONFINITE), and leave the gradients, if the norm is infinite or NaN */
} tap_clip_options;

/* (sum |g|^p)^(1/p), or max |g| for p = INFINITY; 0 without gradients, NaN on an error of the root */
TAP_API double tap_grad_norm(const tap_module *m, double p);
/* Multiplies the gradients by min(1, max_norm / (norm + 1e-6)). Returns the norm before. An infinite norm makes finite
 * gradients 0 and infinite ones NaN, a NaN makes all of them NaN. */
TAP_API double tap_clip_grad_norm(tap_module *m, double max_norm, tap_clip_options o);
TAP_API void   tap_clip_grad_value(tap_module *m, double clip_value); /* to -clip_value..clip_value; NaN stays */

/* ---- Schedules of learning rates (optim/schedule.c, optim/scheduler.c) ---------------------------------------------- */

/* The learning rate of each group as a function of the step k = 0, 1, ... and of its base rate, which it had when the scheduler
 * was made; as in torch.optim.lr_scheduler. */
typedef struct tap_schedule_type tap_schedule_type;

/* Rates that rise from base_lr to max_lr and fall again, while the momentum (or beta1) falls and rises: Smith 2017. {0} gives
 * the defaults in brackets; TAP_ZERO asks for 0. Lists hold a number for each group, in place of the one beside it, or are
 * NULL. */
typedef struct {
    double        base_lr, max_lr;
    const double *base_lrs, *max_lrs;
    double        step_size_up, step_size_down; /* steps of a half-cycle [2000, step_size_up] */
    enum {
        TAP_CYCLIC_TRIANGULAR,
        TAP_CYCLIC_TRIANGULAR2, /* each cycle is half as high as the one before */
        TAP_CYCLIC_EXP_RANGE    /* the height shrinks by gamma in each step */
    } mode;
    double        gamma;                       /* [1] */
    bool          keep_momentum;               /* leave the momentum alone: PyTorch's cycle_momentum = False */
    double        base_momentum, max_momentum; /* [0.8, 0.9] */
    const double *base_momenta, *max_momenta;
} tap_cyclic_lr_options;

/* One rise from max_lr / div_factor to max_lr and one fall to max_lr / div_factor / final_div_factor, while the momentum (or
 * beta1) falls and rises: Smith & Topin 2018. {0} gives the defaults in brackets; TAP_ZERO asks for 0. */
typedef struct {
    double        max_lr;
    const double *max_lrs;     /* of each group, or NULL */
    int64_t       total_steps; /* must be given; later steps are an error */
    double        pct_start;   /* the part of the steps that rises [0.3] */
    enum { TAP_ANNEAL_COS, TAP_ANNEAL_LINEAR } anneal;
    bool          keep_momentum;                /* leave the momentum alone: PyTorch's cycle_momentum = False */
    double        base_momentum, max_momentum;  /* [0.85, 0.95] */
    double        div_factor, final_div_factor; /* [25, 1e4] */
    bool          three_phase;                  /* fall as fast as it rose, then to the final rate */
    const double *base_momenta, *max_momenta;   /* of each group, or NULL */
} tap_one_cycle_lr_options;

/* lr is multiplied by factor when a metric has not become better for more than patience steps. {0} gives the defaults in
 * brackets; TAP_ZERO asks for 0. Better is below best (1 - threshold), or above best (1 + threshold) if maximize; with an
 * absolute threshold best -+ threshold. NaN is never better. */
typedef struct {
    bool          maximize;
    double        factor;             /* below 1 [0.1] */
    int64_t       patience;           /* [10] */
    double        threshold;          /* [1e-4] */
    bool          absolute_threshold; /* PyTorch's threshold_mode = "abs" */
    int64_t       cooldown;           /* steps after a reduction that do not count [0] */
    double        min_lr;             /* [0] */
    const double *min_lrs;            /* of each group, or NULL */
    double        eps;                /* reductions of no more than this are left out [1e-8] */
} tap_plateau_options;

/* Made by the functions below. What it points to is the caller's, and copied by tap_scheduler_new. */
typedef struct tap_schedule {
    const tap_schedule_type   *type;
    double                     number[3];
    int                        n; /* of milestones or parts */
    const int64_t             *milestones;
    const struct tap_schedule *parts;
    double (*factor)(double step, void *ctx);
    void         *ctx;
    const double *lrs[4];
    union {
        tap_cyclic_lr_options    cyclic;
        tap_one_cycle_lr_options one_cycle;
        tap_plateau_options      plateau;
    } options;
} tap_schedule;

/* The base rate times a factor: */
TAP_API tap_schedule tap_step_lr(int64_t step_size, double gamma); /* gamma^floor(k / step_size) */
/* gamma^m, where m of the n milestones are at most k; one that occurs twice counts twice */
TAP_API tap_schedule tap_multi_step_lr(int n, const int64_t *milestones, double gamma);
TAP_API tap_schedule tap_constant_lr(double factor, int64_t total_iters); /* factor for k < total_iters, then 1; 0: for ever */
/* start_factor + (end_factor - start_factor) min(k, total_iters) / total_iters: a warm-up */
TAP_API tap_schedule tap_linear_lr(double start_factor, double end_factor, int64_t total_iters);
TAP_API tap_schedule tap_exponential_lr(double gamma);                     /* gamma^k */
TAP_API tap_schedule tap_polynomial_lr(int64_t total_iters, double power); /* (1 - min(k, total_iters) / total_iters)^power */
TAP_API tap_schedule tap_lambda_lr(double (*factor)(double step, void *ctx), void *ctx); /* factor(k, ctx); ctx is borrowed */
/* eta_min + (base - eta_min) (1 + cos(pi k / T_max)) / 2, which goes up again after T_max: Loshchilov & Hutter 2017 */
TAP_API tap_schedule tap_cosine_annealing_lr(int64_t T_max, double eta_min);
/* The fall from k = 0 to T_max again and again; the first takes T_0 steps, each other one T_mult times as long as the one
 * before */
TAP_API tap_schedule tap_cosine_annealing_warm_restarts(int64_t T_0, int64_t T_mult, double eta_min);
TAP_API tap_schedule tap_cyclic_lr(tap_cyclic_lr_options o);
TAP_API tap_schedule tap_one_cycle_lr(tap_one_cycle_lr_options o);
TAP_API tap_schedule tap_reduce_lr_on_plateau(tap_plateau_options o);
/* parts[i] from step milestones[i-1] on, where its k is 0; n parts, n - 1 milestones */
TAP_API tap_schedule tap_sequential_lr(int n, const tap_schedule *parts, const int64_t *milestones);
/* In each step one schedule after the other changes the rate, as PyTorch's ChainedScheduler: a factor multiplies it by how much
 * the factor itself changes, cosine annealing moves it in proportion to its distance from eta_min, the others replace it. */
TAP_API tap_schedule tap_chained_lr(int n, const tap_schedule *parts);
/* The rate in a step, for the rate base_lr of group 0; for plots. NaN for a schedule of no function above */
TAP_API double tap_schedule_lr(tap_schedule s, double base_lr, double step);

/* Sets an optimizer's rates, those of step 0 at once, and the next ones whenever it steps, usually after the optimizer's step
 * or after an epoch:
 *
 *     tap_schedule   parts[] = { tap_linear_lr(0.01, 1, 500), tap_cosine_annealing_lr(9500, 0) };
 *     tap_scheduler *s = tap_scheduler_new(o, tap_sequential_lr(2, parts, (int64_t[]){ 500 }));
 *     ... tap_optim_step(o, t); tap_scheduler_step(s);
 *
 * An optimizer has one scheduler, owned by its root, which lives as long as the optimizer. It is a part of the optimizer in
 * checkpoints. Errors are the root's. */
typedef struct tap_scheduler tap_scheduler;

TAP_API tap_scheduler *tap_scheduler_new(tap_optim *o, tap_schedule s); /* never NULL */
TAP_API void           tap_scheduler_step(tap_scheduler *s);
TAP_API void           tap_scheduler_step_to(tap_scheduler *s, double epoch);      /* to any step, a fractional one, too */
TAP_API void           tap_scheduler_step_metric(tap_scheduler *s, double metric); /* for tap_reduce_lr_on_plateau */

/* ---- Averages of weights (optim/average.c) -------------------------------------------------------------------------- */

/* Averages of a module's parameters over the steps of its training, torch.optim.swa_utils' AveragedModel: an exponential moving
 * average (EMA) or the equal average (SWA, Izmailov et al. 2018). A forward pass with the average:
 *
 *     tap_module *ema = tap_averaged_model_new(m);
 *     ... tap_optim_step(o, t); tap_averaged_model_update(ema, m, (tap_average_options){ .decay = 0.999 });
 *     tap_module_replace(t, m, tap_averaged_model_module(ema)); ... forward passes of m's layers on t, until it is reset */
typedef struct {
    double decay;       /* average = decay average + (1 - decay) m; 0 for the equal average, TAP_ZERO for 0 */
    bool   use_buffers; /* average buffers, too, integers being cut to integers; else they are copied */
} tap_average_options;

/* A root of the caller's, as PyTorch's: the buffer "n_averaged", and a clone of m as "module". */
TAP_API tap_module *tap_averaged_model_new(const tap_module *m);
/* Adds m to the average; the first update copies it. An error, of the average, if m has other parameters or buffers than the
 * module it was made from. */
TAP_API tap_status  tap_averaged_model_update(tap_module *average, const tap_module *m, tap_average_options o);
TAP_API tap_module *tap_averaged_model_module(const tap_module *average); /* its "module" */

#ifdef __cplusplus
}
#endif

#endif
