/* mod_lamp: answers each request from the release that the site's link `current` names at that moment.
 *
 * The release is chosen once, when the request has been read, and holds for everything that comes of the request:
 * subrequests, internal redirects, error documents. PHP is given the release's real path, so that neither its path
 * cache nor opcache can mix releases. Core maps the URI itself, from the document root that is set here. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "apr_atomic.h"
#include "apr_strings.h"
#include "lamp_parse.h"
#include "lamp_site.h"

#define DOOR_HEADER "X-Lamp-Door"
#define NOTE_RELEASE "lamp-release"
#define NOTE_DOOR "lamp-door"

APLOG_USE_MODULE(lamp);

typedef struct {
    const char *id;   /* NULL: no release can answer */
    const char *root; /* the document root in it */
    const char *door; /* NULL: a visitor's request. "1": asked of a chosen release. "2": lamp's own, answered as visitors are */
} lamp_pin;

/* A release's own directory must be a real one: a link in its place could lead out of the store. */
static int pin_release(request_rec *r, const lamp_site *site, lamp_pin *pin, const char *id)
{
    const char *dir = apr_pstrcat(r->pool, site->store, "/" LAMP_RELEASES, id, NULL);
    struct stat found;
    if (lstat(dir, &found) != 0 || !S_ISDIR(found.st_mode)) return 0;
    pin->id = id;
    pin->root = site->docroot ? apr_pstrcat(r->pool, dir, "/", site->docroot, NULL) : dir;
    return 1;
}

/* Pins the release that a link names. Answers NULL, or why it does not. */
static const char *pin_link(request_rec *r, const lamp_site *site, lamp_pin *pin, const char *link)
{
    char text[LAMP_LINK_MAX + 1]; /* one more than the longest valid text, so that a longer one shows */
    size_t id_length;
    const char *id;
    char reason[120];
    ssize_t length = readlink(apr_pstrcat(r->pool, site->store, "/", link, NULL), text, sizeof text);
    if (length < 0) return apr_pstrcat(r->pool, "cannot be read: ", apr_strerror(errno, reason, sizeof reason), NULL);
    id = lamp_link_id(text, (size_t)length, &id_length);
    if (!id) return "does not read " LAMP_RELEASES "<id>";
    return pin_release(r, site, pin, apr_pstrmemdup(r->pool, id, id_length)) ? NULL : "names no release of this store";
}

static void complain(request_rec *r, lamp_site *site, const char *what, const char *why, const char *answers)
{
    apr_uint32_t now = (apr_uint32_t)apr_time_sec(r->request_time);
    if (apr_atomic_xchg32(&site->complained_at, now) == now) return;
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "lamp: %s/%s %s; %s answers", site->store, what, why,
                  answers ? answers : "503");
}

static void pin_current(request_rec *r, lamp_site *site, lamp_pin *pin)
{
    const char *why = pin_link(r, site, pin, "current");
    if (!why) return;
    if (pin_link(r, site, pin, "last-good") && site->fallback) pin_release(r, site, pin, site->fallback);
    complain(r, site, "current", why, pin->id);
}

/* Whether the header's key is the one whose hash is configured. */
static int is_key(const lamp_site *site, const char *door)
{
    unsigned char hash[APR_SHA1_DIGESTSIZE];
    apr_sha1_ctx_t sha1;
    if (!site->has_door) return 0;
    apr_sha1_init(&sha1);
    apr_sha1_update(&sha1, door, LAMP_KEY_LENGTH);
    apr_sha1_final(hash, &sha1);
    return lamp_same(hash, site->door, sizeof hash);
}

static lamp_pin *choose(request_rec *r, lamp_site *site, const char *door)
{
    lamp_pin *pin = apr_pcalloc(r->pool, sizeof *pin);
    size_t id_length;
    const char *id = door ? lamp_door_id(door, strlen(door), &id_length) : NULL;
    if (!id || !is_key(site, door)) {
        pin_current(r, site, pin);
        return pin;
    }
    pin->door = *id == LAMP_AS_VISITORS ? "2" : "1";
    /* Answered by the release asked for or not at all: another's answer would be taken for its own. */
    if (*id == LAMP_AS_VISITORS) pin_current(r, site, pin);
    else if (!pin_release(r, site, pin, id)) complain(r, site, LAMP_RELEASES, "lacks the release asked for by door", NULL);
    return pin;
}

/* For the logs, and for the application. */
static void tell(request_rec *r, const lamp_pin *pin)
{
    apr_table_unset(r->notes, NOTE_RELEASE);
    apr_table_unset(r->notes, NOTE_DOOR);
    if (pin && pin->id) apr_table_setn(r->notes, NOTE_RELEASE, pin->id);
    if (pin && pin->door) apr_table_setn(r->notes, NOTE_DOOR, pin->door);
    if (pin && pin->id) apr_table_setn(r->subprocess_env, "LAMP_RELEASE", pin->id);
}

/* The pin of this request: its own, that of the request it comes from, or a new one. */
static lamp_pin *pin_of(request_rec *r)
{
    lamp_site *site = ap_get_module_config(r->server->module_config, &lamp_module);
    lamp_pin *pin = ap_get_module_config(r->request_config, &lamp_module);
    request_rec *parent = r->main ? r->main : r->prev;
    const char *door = apr_table_get(r->headers_in, DOOR_HEADER);
    if (door) apr_table_unset(r->headers_in, DOOR_HEADER); /* in every virtual host: it may have come to a wrong one */
    if (pin || !site->store || site->owner != r->server) return pin;
    pin = parent ? pin_of(parent) : choose(r, site, door);
    ap_set_module_config(r->request_config, &lamp_module, pin);
    if (pin->root) ap_set_document_root(r, pin->root);
    tell(r, pin);
    return pin;
}

static int on_request_read(request_rec *r)
{
    pin_of(r);
    return DECLINED;
}

/* Before any module can map the request to a file. A file subrequest is not translated, so it comes here from storage. */
static int on_mapping(request_rec *r)
{
    const lamp_pin *pin = pin_of(r);
    return pin && !pin->id && !r->proxyreq ? HTTP_SERVICE_UNAVAILABLE : DECLINED;
}

/* Once more from what was really chosen: PHP can write notes too (apache_note). */
static int on_log(request_rec *r)
{
    for (; r; r = r->next)
        tell(r, ap_get_module_config(r->request_config, &lamp_module));
    return DECLINED;
}

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_post_read_request(on_request_read, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_translate_name(on_mapping, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_map_to_storage(on_mapping, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_log_transaction(on_log, NULL, NULL, APR_HOOK_REALLY_FIRST);
}

/* The one name that Apache looks up; all others stay hidden. */
module __attribute__((visibility("default"))) lamp_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, lamp_new_site, lamp_merge_site, lamp_directives, register_hooks,
    AP_MODULE_FLAG_NONE
};
