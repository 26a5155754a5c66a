/*
 * The peer of the token benchmark: a PKCS#11 module used from C, as bare as it can be. One login, sessions and the handle of
 * the key that are kept, and then nothing but C_SignInit and C_Sign.
 */
#ifndef ROADSTEAD_TOKEN_LOOP_H
#define ROADSTEAD_TOKEN_LOOP_H

#include <stddef.h>
#include <stdint.h>

enum { TOKEN_LOOP_ECDSA, TOKEN_LOOP_PSS_SHA256 };

/* Loads the module, logs in to the token of that label with that PIN. Returns NULL, or what failed. */
const char *token_loop_open(const char *module, const char *token, const char *pin);

/* Finds the one private key of that label, for the calls below. Returns NULL, or what failed. */
const char *token_loop_choose(const char *label, int mechanism);

/* Signs a digest of 32 bytes `count` times in one session, and writes how long each took, in nanoseconds. Returns 0, or
 * what the module returned. */
unsigned long token_loop_sign(const uint8_t *digest, uint64_t *nanoseconds, size_t count);

/* Signs as often in each of `threads` (1 to 8) threads, each with a session of its own. Writes the nanoseconds of all of it. */
unsigned long token_loop_sign_threads(const uint8_t *digest, size_t count, int threads, uint64_t *nanoseconds);

void token_loop_close(void);

#endif
