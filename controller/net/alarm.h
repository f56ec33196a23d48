/* net/alarm.h — one alarm that rings when it is due and the loop has handed out whatever else was ready. */
#pragma once

#include "net/loop.h"

struct alarm;
struct alarm *alarm_new(struct loop *l, void (*ring)(void *userdata), void *userdata);
void alarm_at(struct alarm *a,
              usec_t when);       /* time_monotonic() terms; in the past: soon; USEC_NEVER: off; replaces the former time */
void alarm_free(struct alarm *a); /* NULL is fine; safe from its own callback */
