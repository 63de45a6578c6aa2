#include "lamp_parse.h"

#include <string.h>

static int is_id_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-';
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

int lamp_is_id(const char *text, size_t length)
{
    if (length == 0 || length > LAMP_ID_MAX || text[0] == '-') return 0;
    for (size_t at = 0; at < length; at++)
        if (!is_id_byte(text[at])) return 0;
    return 1;
}

/* The rest of `text` after `skip` bytes, if that is an id. */
static const char *id_after(const char *text, size_t length, size_t skip, size_t *id_length)
{
    if (!lamp_is_id(text + skip, length - skip)) return NULL;
    *id_length = length - skip;
    return text + skip;
}

const char *lamp_link_id(const char *text, size_t length, size_t *id_length)
{
    const size_t skip = sizeof(LAMP_RELEASES) - 1;
    if (length < skip || memcmp(text, LAMP_RELEASES, skip) != 0) return NULL;
    return id_after(text, length, skip, id_length);
}

const char *lamp_door_id(const char *text, size_t length, size_t *id_length)
{
    if (length <= LAMP_KEY_LENGTH || text[LAMP_KEY_LENGTH] != ' ') return NULL;
    for (size_t at = 0; at < LAMP_KEY_LENGTH; at++)
        if (hex_value(text[at]) < 0) return NULL;
    if (length == LAMP_KEY_LENGTH + 2 && text[length - 1] == LAMP_AS_VISITORS) {
        *id_length = 1;
        return text + length - 1;
    }
    return id_after(text, length, LAMP_KEY_LENGTH + 1, id_length);
}

int lamp_read_hex(const char *text, size_t length, unsigned char *out, size_t out_length)
{
    if (length != out_length * 2) return 0;
    for (size_t at = 0; at < out_length; at++) {
        int high = hex_value(text[at * 2]), low = hex_value(text[at * 2 + 1]);
        if (high < 0 || low < 0) return 0;
        out[at] = (unsigned char)(high * 16 + low);
    }
    return 1;
}

int lamp_same(const unsigned char *a, const unsigned char *b, size_t length)
{
    volatile unsigned char differs = 0;
    for (size_t at = 0; at < length; at++)
        differs |= a[at] ^ b[at];
    return differs == 0;
}
