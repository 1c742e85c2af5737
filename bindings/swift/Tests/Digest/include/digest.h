#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* SHA-256 of some bytes: in C, since the tests are not optimised and hash hundreds of megabytes. */
void digest_sha256(const uint8_t *bytes, size_t count, uint8_t out[32]);

#endif
