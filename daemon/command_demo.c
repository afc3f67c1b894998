#include "daemon/command.h"
int command_demo(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return EXIT_FAILED;
}
