/* sim_weather.h — the faults of the outside: their rates, drawn once, and the disasters, one after another. */
#pragma once

#include "sim.h"

void sim_weather_draw(struct sim *s, bool calm);
void sim_weather_begin(struct sim *s);  /* disasters, until weather.until */
void sim_weather_step(struct sim *s);   /* after every step: a controller whose time has come is killed in the middle of it */
void sim_weather_settle(struct sim *s); /* both controllers run, nobody is paused */
