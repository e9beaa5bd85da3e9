/* tests/golden/nn.c: the program golden_nn runs layers, optimizers, schedules and initializers on numbers of PyTorch. */
#include "tests/golden/nn.h"

static const char usage[] =
    "usage: tests/golden_nn DIR\n"
    "\n"
    "Runs every case of the safetensors files in and below DIR. Numbers computed in float64 must agree with the stored ones,\n"
    "  |a - b| <= 1e-9 + 1e-7 |b|;\n"
    "integers and bools exactly.\n"
    "\n"
    "Prints a line per file, the error of each failed case, and totals. The exit status is 1 if anything failed, 2 if\n"
    "there was nothing to run.\n"
    "\n"
    "  --help   this text\n";

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") != 0) continue;
        fputs(usage, stdout);
        return 0;
    }
    if (argc != 2 || argv[1][0] == '-') {
        fputs(usage, stderr);
        return 2;
    }
    const int failures = nn_run(stdout, argv[1]);
    return failures < 0 ? 2 : failures > 0;
}
