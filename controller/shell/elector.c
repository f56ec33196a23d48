#include "shell/elector.h"

#include "base/buf.h"
#include "base/str.h"
#include "core/lease.h"
#include "shell/path.h"
