/* mod_lamp's configuration: one lamp_site for each virtual host. */
#ifndef LAMP_SITE_H
#define LAMP_SITE_H

#include "httpd.h"
#include "http_config.h"
#include "apr_sha1.h"

typedef struct {
    const server_rec *owner; /* where the directives stand; Apache shares the main server's with hosts that have none */
    const char *store; /* NULL: the virtual host is left alone */
    const char *docroot, *fallback; /* NULL: not given */
    int has_door;
    unsigned char door[APR_SHA1_DIGESTSIZE];
    apr_uint32_t complained_at; /* second of the last complaint, so that a broken link does not fill the error log */
} lamp_site;

extern module AP_MODULE_DECLARE_DATA lamp_module;
extern const command_rec lamp_directives[];

void *lamp_new_site(apr_pool_t *pool, server_rec *server);
void *lamp_merge_site(apr_pool_t *pool, void *outer, void *own);

#endif
