/* What mod_lamp reads from outside: the text of a link and the side door's header.
 *
 * No Apache header is included here, so that the readers run alone under sanitizers. A text is a pointer and a
 * length; it needs no closing NUL and nothing beyond its length is read. */
#ifndef LAMP_PARSE_H
#define LAMP_PARSE_H

#include <stddef.h>

#define LAMP_ID_MAX 64   /* bytes of the longest release id; lamp-model's ReleaseId holds the same bound */
#define LAMP_KEY_LENGTH 64 /* hex digits of the door key, 256 bits */
#define LAMP_RELEASES "releases/"
#define LAMP_LINK_MAX (sizeof(LAMP_RELEASES) - 1 + LAMP_ID_MAX)

/* Whether the whole text is a release id: [0-9a-z][0-9a-z-]*, at most LAMP_ID_MAX bytes. */
int lamp_is_id(const char *text, size_t length);

/* The id in a link's text, which is exactly `releases/<id>`; its length is `*id_length`. NULL: it is no such text. */
const char *lamp_link_id(const char *text, size_t length, size_t *id_length);

/* What stands in the id's place for a request of lamp's own that is answered as a visitor's is. */
#define LAMP_AS_VISITORS '-'

/* The id in the side door's header, which is exactly `<64 hex digits> <id>`, or LAMP_AS_VISITORS in its place; the key is
 * its first LAMP_KEY_LENGTH bytes. NULL: it is no such header. */
const char *lamp_door_id(const char *text, size_t length, size_t *id_length);

/* Reads exactly `out_length` bytes from twice as many hex digits. 0: the text is something else. */
int lamp_read_hex(const char *text, size_t length, unsigned char *out, size_t out_length);

/* Whether two secrets are equal, in a time that does not depend on where they differ. */
int lamp_same(const unsigned char *a, const unsigned char *b, size_t length);

#endif
