#include "lamp_site.h"

#include "apr_strings.h"
#include "lamp_parse.h"

void *lamp_new_site(apr_pool_t *pool, server_rec *server)
{
    lamp_site *site = apr_pcalloc(pool, sizeof *site);
    site->owner = server;
    return site;
}

/* The key is the host's and is inherited. A store belongs to the virtual host it stands in, and to no other. */
void *lamp_merge_site(apr_pool_t *pool, void *outer, void *own)
{
    lamp_site *merged = apr_pmemdup(pool, own, sizeof *merged);
    const lamp_site *host = outer;
    if (merged->has_door) return merged;
    merged->has_door = host->has_door;
    memcpy(merged->door, host->door, sizeof merged->door);
    return merged;
}

#define SITE(cmd) ((lamp_site *)ap_get_module_config((cmd)->server->module_config, &lamp_module))

static const char *set_store(cmd_parms *cmd, void *dir, const char *text)
{
    (void)dir;
    SITE(cmd)->store = text;
    return text[0] == '/' ? NULL : "LampStore takes an absolute path";
}

static const char *set_docroot(cmd_parms *cmd, void *dir, const char *text)
{
    (void)dir;
    SITE(cmd)->docroot = text;
    return text[0] != '/' && !strstr(text, "..") ? NULL : "LampDocroot takes a path inside the release";
}

static const char *set_fallback(cmd_parms *cmd, void *dir, const char *text)
{
    (void)dir;
    SITE(cmd)->fallback = text;
    return lamp_is_id(text, strlen(text)) ? NULL : "LampFallback takes a release id";
}

static const char *set_door_hash(cmd_parms *cmd, void *dir, const char *text)
{
    lamp_site *site = SITE(cmd);
    (void)dir;
    site->has_door = lamp_read_hex(text, strlen(text), site->door, sizeof site->door);
    return site->has_door ? NULL : "LampDoorHash takes the 40 hex digits of the key's SHA-1";
}

const command_rec lamp_directives[] = {
    AP_INIT_TAKE1("LampStore", set_store, NULL, RSRC_CONF, "directory of the site's releases and links"),
    AP_INIT_TAKE1("LampDocroot", set_docroot, NULL, RSRC_CONF, "document root inside a release"),
    AP_INIT_TAKE1("LampFallback", set_fallback, NULL, RSRC_CONF, "release that answers if no link is valid"),
    AP_INIT_TAKE1("LampDoorHash", set_door_hash, NULL, RSRC_CONF, "SHA-1 of the side door's key"),
    {NULL}
};
