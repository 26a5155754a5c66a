#ifndef ROADSTEAD_COPENSSL_SHIM_H
#define ROADSTEAD_COPENSSL_SHIM_H

#include <openssl/err.h>
#include <openssl/evp.h>

#endif
