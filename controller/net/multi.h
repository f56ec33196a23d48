/* net/multi.h — a libcurl multi handle riding on the loop (curl_multi_socket_action over uv_poll_t). For net/http.c only. */
#pragma once

#include "net/loop.h"

#include <curl/curl.h>

struct multi;
/* `turn` is called after libcurl has worked, never from inside it: there, take what is done by multi_next_done(). multi_free() is
 * allowed in it. */
struct multi *multi_new(struct loop *l, void (*turn)(void *userdata), void *userdata);
void multi_free(struct multi *m);            /* closes its connections; every handle must have been removed; NULL is fine */
bool multi_add(struct multi *m, CURL *easy); /* starts it in a later turn of the loop */
void multi_remove(struct multi *m, CURL *easy);
bool multi_next_done(struct multi *m, CURL **ret_easy, CURLcode *ret_code);
