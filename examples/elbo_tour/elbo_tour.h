/* examples/elbo_tour/elbo_tour.h: what the files of this program share. A function that returns false has already said why, in
 * one line on standard error. */
#ifndef ELBO_TOUR_H
#define ELBO_TOUR_H

#include "examples/common/common.h"
#include "examples/common/plot.h"
#include "models/models.h"

typedef struct {
    const char *out, *data; /* data NULL: look for some */
    uint64_t    seed;
    int64_t     draws; /* of a Monte Carlo mean */
    bool        quick;
} options;

/* ---- table.c ----------------------------------------------------------------------------------------------------- */

/* A mean over draws, and what is known about it. */
typedef struct {
    double mean, variance, error; /* of one draw, and of the mean */
} estimate;

estimate estimate_of(tap_var draws);
void     section(const char *title);
/* A line of the table: both sides of an equation, with the standard error of their difference; 0: it is to be exact. */
void equation(const char *name, double left, double right, double error);
void print_note(const char *format, ...) TAP_PRINTF(1, 2);
bool table_end(void); /* whether all equations hold */

/* ---- The checks -------------------------------------------------------------------------------------------------- */

bool check_trivial(const options *o);   /* trivial.c: section 3, figures 3 and 4 in numbers */
bool check_bounds(const options *o);    /* bounds.c: section 4, by quadrature */
bool check_gradients(const options *o); /* gradients.c: section 5 */
bool check_gaussians(const options *o); /* gaussians.c: section 6 */
bool check_codes(const options *o);     /* codes.c: section 1.2, an autoencoder beside a VAE; codes.png */
bool check_images(const options *o);    /* whether there are images for it */
bool draw_figures(const options *o);    /* figures.c: delta.png, kl.png */

#endif
