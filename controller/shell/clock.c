#include "shell/clock.h"

void clock_init(struct clock *c, struct world *world)
{
    *c = (struct clock){.world = world, .offset = world_wall(world) - world_now(world)};
}

usec_t clock_now(const struct clock *c)
{
    return world_now(c->world) + c->offset;
}

usec_t clock_steady(const struct clock *c, usec_t mono)
{
    return mono == USEC_NEVER || mono == 0 ? mono : mono + c->offset;
}

usec_t clock_mono(const struct clock *c, usec_t steady)
{
    return steady == USEC_NEVER || steady == 0 ? steady : steady - c->offset;
}

bool clock_refix(struct clock *c)
{
    usec_t offset = world_wall(c->world) - world_now(c->world), difference = offset - c->offset;
    if (difference <= CLOCK_TOLERANCE && difference >= -CLOCK_TOLERANCE)
        return false;
    c->offset = offset;
    return true;
}
