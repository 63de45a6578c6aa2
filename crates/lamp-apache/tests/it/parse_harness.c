/* Feeds lamp_parse.c with records from standard input and writes what it found, for the test in parse.rs.
 *
 * Record: kind (1 byte: i, l, d, h, s), length (2 bytes, little endian), text. Each text is copied into memory of exactly
 * its length, so that the address sanitizer sees the first byte read beyond it. Answer: offset of the id (1 byte)
 * and its length (1 byte), both zero if there is none; for h 1 or 0 and, if 1, the 20 bytes; for s whether the text's halves are the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lamp_parse.h"

#define HASH_LENGTH 20

static void answer_id(const char *text, const char *id, size_t id_length)
{
    putchar(id ? (int)(id - text) : 0);
    putchar(id ? (int)id_length : 0);
}

static void answer(int kind, const char *text, size_t length)
{
    size_t id_length = 0;
    unsigned char hash[HASH_LENGTH];
    switch (kind) {
    case 'i':
        answer_id(text, lamp_is_id(text, length) ? text : NULL, length);
        break;
    case 'l': {
        const char *id = lamp_link_id(text, length, &id_length);
        answer_id(text, id, id_length);
        break;
    }
    case 'd': {
        const char *id = lamp_door_id(text, length, &id_length);
        answer_id(text, id, id_length);
        break;
    }
    case 's':
        putchar(lamp_same((const unsigned char *)text, (const unsigned char *)text + length / 2, length / 2));
        break;
    default:
        if (lamp_read_hex(text, length, hash, sizeof hash)) {
            putchar(1);
            fwrite(hash, 1, sizeof hash, stdout);
        } else {
            putchar(0);
        }
    }
}

int main(void)
{
    int kind;
    while ((kind = getchar()) != EOF) {
        size_t length = (size_t)getchar();
        char *text;
        length |= (size_t)getchar() << 8;
        text = malloc(length);
        if (length && fread(text, 1, length, stdin) != length) return 2;
        answer(kind, text, length);
        free(text);
    }
    return fflush(stdout) ? 2 : 0;
}
