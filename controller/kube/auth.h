/* kube/auth.h — the header lines that say who we are. */
#pragma once

#include "kube/config.h"

/* Appends "Authorization: …" (the bearer token, else basic, else nothing) and the Impersonate-* lines. Secrets: never log them. */
void auth_add_headers(const struct config *c, struct strlist *headers);
