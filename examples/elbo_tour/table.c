/* examples/elbo_tour/table.c: prints the table of equations and states whether all of them hold. */
#include "elbo_tour.h"

#include <math.h>
#include <stdarg.h>

static int n_equations, n_wrong;

estimate estimate_of(tap_var draws)
{
    double       sum = 0, squares = 0;
    tap_tensor   v = tap_value(draws);
    const double n = (double)tap_tensor_numel(v);
    for (int64_t i = 0; i < tap_tensor_numel(v); i++) sum += tap_tensor_item(v, i);
    for (int64_t i = 0; i < tap_tensor_numel(v); i++) squares += pow(tap_tensor_item(v, i) - sum / n, 2);
    return (estimate){ sum / n, squares / (n - 1), sqrt(squares / (n - 1) / n) };
}

void section(const char *title)
{
    printf("\n%s\n%-47s %14s %14s %10s %9s\n", title, "", "left", "right", "difference", "std.error");
}

/* NaN counts as a failure, since comparisons with NaN are false. */
void equation(const char *name, double left, double right, double error)
{
    const double difference = left - right;
    const bool   holds = fabs(difference) <= (error > 0 ? 4 * error : 1e-9 * fmax(1, fabs(right)));
    n_equations++;
    n_wrong += !holds;
    printf("%-47s %14.8f %14.8f %10.1e ", name, left, right, difference);
    if (error > 0) printf("%9.1e%s\n", error, holds ? "" : "  WRONG");
    else printf("%9s%s\n", "exact", holds ? "" : "  WRONG");
}

void print_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("    ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

bool table_end(void)
{
    if (n_wrong == 0) return printf("\nall %d differences are within 4 standard errors\n", n_equations) > 0;
    printf("\n%d of %d differences are not within 4 standard errors\n", n_wrong, n_equations);
    return false;
}
