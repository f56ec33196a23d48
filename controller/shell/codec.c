#include "shell/codec.h"

#include "api/card.h"
#include "api/drill.h"
#include "api/playbook.h"
#include "api/pod.h"
#include "api/schedule.h"
#include "api/target.h"
#include "api/task.h"
#include "api/trigger.h"

#define DECODE(type)                                                                                                               \
    static int decode_##type(json_t *object, void *ret, struct error *err)                                                         \
    {                                                                                                                              \
        return type##_decode(object, ret, err);                                                                                    \
    }                                                                                                                              \
    _Static_assert(offsetof(struct type, root) == 0, "struct " #type " begins with its root")

DECODE(card);
DECODE(drill);
DECODE(playbook);
DECODE(run);
DECODE(schedule);
DECODE(target);
DECODE(trigger);

/* These are never refused. */
#define DECODE_ANY(type)                                                                                                           \
    static int decode_##type(json_t *object, void *ret, struct error *err)                                                         \
    {                                                                                                                              \
        (void)err;                                                                                                                 \
        type##_decode(object, ret);                                                                                                \
        return 0;                                                                                                                  \
    }                                                                                                                              \
    _Static_assert(offsetof(struct type, root) == 0, "struct " #type " begins with its root")

DECODE_ANY(pod);
DECODE_ANY(task);

#define CODEC(type)                                                                                                                \
    {                                                                                                                              \
        sizeof(struct type), decode_##type                                                                                         \
    }
static const struct codec codecs[KIND_COUNT] = {
    [KIND_CARD] = CODEC(card),     [KIND_DRILL] = CODEC(drill), [KIND_PLAYBOOK] = CODEC(playbook),
    [KIND_POD] = CODEC(pod),       [KIND_RUN] = CODEC(run),     [KIND_SCHEDULE] = CODEC(schedule),
    [KIND_TARGET] = CODEC(target), [KIND_TASK] = CODEC(task),   [KIND_TRIGGER] = CODEC(trigger),
};

const struct codec *codec_of(enum kind kind)
{
    return &codecs[kind];
}
