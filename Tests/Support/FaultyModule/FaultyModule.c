/*
 * A PKCS#11 module that does what SoftHSM does, except for one fault.
 *
 *   FAULT       abort, hang, pipe, wrong, lost or short: what C_Sign does; no-mechanism: what C_SignInit does;
 *               login-hang, context-pin and finalize-hang: what those do
 *   FAULT_ONCE  file without which there is no fault; the fault removes it first
 *   FAULT_LOG   file that gets one line per C_Login
 *
 * It prints a line on standard output with every signature, as some modules do.
 */
#include "include/FaultyModule.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit-1/p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CK_FUNCTION_LIST real;
static CK_FUNCTION_LIST ours;

static int has_fault(const char *name) {
    const char *fault = getenv("FAULT"), *once = getenv("FAULT_ONCE");
    if (!fault || strcmp(fault, name) != 0) return 0;
    return !once || unlink(once) == 0;
}

static void hang(void) {
    for (;;) pause();
}

static CK_RV faulty_sign(
    CK_SESSION_HANDLE session, unsigned char *data, unsigned long count, unsigned char *signature, unsigned long *size) {
    printf("signing %lu bytes\n", count);
    fflush(stdout);
    if (has_fault("abort")) abort();
    if (has_fault("hang")) hang();
    if (has_fault("lost")) return CKR_DEVICE_ERROR;
    if (has_fault("pipe")) {
        int ends[2];
        if (pipe(ends) == 0) {
            close(ends[0]);
            if (write(ends[1], "x", 1) < 0) return CKR_DEVICE_ERROR;
        }
    }
    CK_RV value = real.C_Sign(session, data, count, signature, size);
    if (value == CKR_OK && signature && has_fault("wrong")) signature[7] ^= 1;
    if (value == CKR_OK && signature && has_fault("short")) *size -= 1;
    return value;
}

static CK_RV faulty_sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) {
    if (has_fault("no-mechanism") && mechanism->mechanism == CKM_EDDSA) return CKR_MECHANISM_INVALID;
    return real.C_SignInit(session, mechanism, key);
}

static CK_RV faulty_login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, unsigned long count) {
    const char *path = getenv("FAULT_LOG");
    int log = path ? open(path, O_WRONLY | O_APPEND | O_CREAT, 0600) : -1;
    if (log >= 0) {
        if (write(log, "login\n", 6) != 6) abort();
        close(log);
    }
    if (has_fault("login-hang")) hang();
    if (user == CKU_CONTEXT_SPECIFIC && has_fault("context-pin")) return CKR_PIN_INCORRECT;
    return real.C_Login(session, user, pin, count);
}

static CK_RV faulty_finalize(void *reserved) {
    if (has_fault("finalize-hang")) hang();
    return real.C_Finalize(reserved);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list) {
    void *library = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
    CK_FUNCTION_LIST *found = NULL;
    if (!get || get(&found) != CKR_OK) return CKR_GENERAL_ERROR;
    real = *found;
    ours = *found;
    ours.C_Sign = faulty_sign;
    ours.C_SignInit = faulty_sign_init;
    ours.C_Login = faulty_login;
    ours.C_Finalize = faulty_finalize;
    *list = &ours;
    return CKR_OK;
}
