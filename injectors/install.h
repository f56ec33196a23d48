/* install.h — puts our own program at <dir>/bin/drill-injector, from where the target container can run it. */
#pragma once

#include "base/error.h"

/* 0555, under a temporary name and renamed; nothing to do where we run from there. */
int install_self(const char *dir, struct error *err);
