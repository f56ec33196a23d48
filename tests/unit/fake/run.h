/* tests/unit/fake/run.h — turning the loop in a test. */
#pragma once

#include "net/loop.h"

/* Turns it until *done (true) or until `ms` are over (false). */
bool run_until(struct loop *l, const bool *done, int ms);
void run_for(struct loop *l, int ms);

/* Tests reach their servers directly, whatever the environment says. */
void run_without_proxies(void);
