/* examples/vae_compress/main.c: compresses images, without loss, by a model of them. */
#include "vae_compress.h"

const char *const program = "vae_compress";

int main(int argc, char **argv)
{
    options o;
    int     status;
    if (!options_parse(&o, argc, argv, &status)) return status;
    if (o.threads) tap_set_threads((int)o.threads);
    catch_signals();
    return end_program(perform(&o));
}
