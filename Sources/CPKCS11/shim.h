#ifndef ROADSTEAD_CPKCS11_SHIM_H
#define ROADSTEAD_CPKCS11_SHIM_H

#define CRYPTOKI_COMPAT 1
#define P11_KIT_FUTURE_UNSTABLE_API 1
#include <p11-kit/pkcs11.h>
#include <p11-kit/p11-kit.h>

#endif
