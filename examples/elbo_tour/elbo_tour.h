/* examples/elbo_tour/elbo_tour.h: shared declarations of this program. A function that returns false has printed the reason,
 * one line on standard error. */
#ifndef ELBO_TOUR_H
#define ELBO_TOUR_H

#include "examples/common/common.h"
#include "examples/common/plot.h"
#include "models/models.h"

typedef struct {
    const char *out, *data; /* data: NULL to search for a data set */
    uint64_t    seed;
    int64_t     draws; /* number of draws of a Monte Carlo estimate */
    bool        quick;
} options;

/* ---- table.c ----------------------------------------------------------------------------------------------------- */

/* A Monte Carlo mean, the variance of one draw and the standard error of the mean. */
typedef struct {
    double mean, variance, error;
} estimate;

estimate estimate_of(tap_var draws);
void     section(const char *title);
/* Prints a row of the table: both sides of an equation. error: standard error of the difference, 0 if both are exact. */
void equation(const char *name, double left, double right, double error);
void print_note(const char *format, ...) TAP_PRINTF(1, 2);
bool table_end(void); /* whether all equations hold */

/* ---- The checks -------------------------------------------------------------------------------------------------- */

bool check_trivial(const options *o);   /* trivial.c: section 3, figures 3 and 4 in numbers */
bool check_bounds(const options *o);    /* bounds.c: section 4, by quadrature */
bool check_gradients(const options *o); /* gradients.c: section 5 */
bool check_gaussians(const options *o); /* gaussians.c: section 6 */
bool check_codes(const options *o);     /* codes.c: section 1.2, an autoencoder compared with a VAE; codes.png */
bool check_images(const options *o);    /* whether check_codes can find or make images */
bool draw_figures(const options *o);    /* figures.c: delta.png, kl.png */

#endif
