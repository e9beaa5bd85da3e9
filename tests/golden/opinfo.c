/* tests/golden/opinfo.c: the program opinfo runs Tapestry's operators on PyTorch's test samples. */
#include "tests/golden/opinfo.h"

static const char usage[] =
    "usage: tests/opinfo DIR [OPERATOR...]\n"
    "\n"
    "Runs Tapestry's operators on the samples in DIR, one safetensors file per operator of PyTorch, or only on those of the\n"
    "named operators. Results and gradients in float64 must agree with the stored ones,\n"
    "  |a - b| <= 1e-9 + 1e-7 |b|;\n"
    "results in float32 with those in float64 on inputs rounded to float32,\n"
    "  |a - b| <= eps (4 |b| + max(1, |b|..)) + 16 max |change of b by rounding the inputs|, eps = 2^-23;\n"
    "integers and bools exactly.\n"
    "\n"
    "Prints a line per operator, the error of each failed case, and totals. The exit status is 1 if anything failed, 2 if\n"
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
    if (argc < 2 || argv[1][0] == '-') {
        fputs(usage, stderr);
        return 2;
    }
    int failures = opinfo_run(stdout, argv[1], argc - 2, argv + 2);
    return failures < 0 ? 2 : failures > 0;
}
