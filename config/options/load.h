/*
 * load.h - the YAML file into the settings, along the table of options.
 */
#ifndef GHGD_LOAD_H
#define GHGD_LOAD_H

#include "config/options/load_context.h"

/* Reads the file along the table of options, and checks what stands in it; `text` keeps what is
 * shown of the file with each fault. Faults go to loading->faults, also after others, as far as
 * they do not depend on what was wrong. */
void options_load(struct loading *loading, struct buffer *text);

#endif
