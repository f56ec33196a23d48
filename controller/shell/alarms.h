/* shell/alarms.h — many alarms on the world's one alarm.
 *
 * An alarm is embedded in what it serves, fires once, from the loop, and may set itself again. It must be cleared before its memory goes.
 * A time that has passed is now: an alarm that sets itself for what is overdue comes behind the others that are due. */
#pragma once

#include "world/world.h"

struct alarms;
struct alarm {
    struct alarms *alarms;
    void (*fire)(void *userdata);
    void *userdata;
    usec_t at; /* monotonic; USEC_NEVER: not set */
};

struct alarms *alarms_new(struct world *world); /* takes the world's wake function */
void alarms_free(struct alarms *t);             /* NULL is fine; all its alarms are cleared before */

void alarm_init(struct alarm *alarm, struct alarms *alarms, void (*fire)(void *userdata), void *userdata);
void alarm_set(struct alarm *alarm, usec_t at);         /* replaces an earlier time; NEVER clears */
void alarm_set_earlier(struct alarm *alarm, usec_t at); /* the earlier of the two */
void alarm_clear(struct alarm *alarm);
