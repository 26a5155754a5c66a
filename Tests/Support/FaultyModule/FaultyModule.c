/*
 * A PKCS#11 module that does what SoftHSM does, except for one fault.
 *
 *   FAULT       abort, hang, slow, pipe, wrong, lost, short, trim (leading zeros of both halves left out), session-dead or
 *               forgotten (the login is): what C_Sign does; no-mechanism, no-pss, only-pkcs1: what C_SignInit does;
 *               login-hang, logged-in, context-pin and finalize-hang: what those do; overlook: searches look at the class
 *               of an object only; cant-lock: what C_Initialize does, and two
 *               threads inside C_Sign end the process; few-sessions, one-session: more than two, or one, are refused;
 *               one-session-said: one-session, and the token says so; no-count: the token does not say that wrong PINs
 *               were given to it; count-low: it always does
 *   FAULT_ONCE  file without which there is no fault; the fault removes it first
 *   FAULT_WHILE file as long as which is there the fault is
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
    const char *fault = getenv("FAULT"), *once = getenv("FAULT_ONCE"), *during = getenv("FAULT_WHILE");
    if (!fault || strcmp(fault, name) != 0) return 0;
    if (during && access(during, F_OK) != 0) return 0;
    return !once || unlink(once) == 0;
}

static void hang(void) {
    for (;;) pause();
}

/* Leaves out as many leading zeros as both halves have. */
static void trim(unsigned char *signature, unsigned long *size) {
    unsigned long half = *size / 2, zeros = 0;
    while (zeros < half - 1 && !signature[zeros] && !signature[half + zeros]) zeros++;
    memmove(signature, signature + zeros, half - zeros);
    memmove(signature + half - zeros, signature + half + zeros, half - zeros);
    *size -= 2 * zeros;
}

static int inside;

static CK_RV faulty_sign(
    CK_SESSION_HANDLE session, unsigned char *data, unsigned long count, unsigned char *signature, unsigned long *size) {
    printf("signing %lu bytes\n", count);
    fflush(stdout);
    if (has_fault("abort")) abort();
    if (has_fault("hang")) hang();
    if (has_fault("slow")) usleep(1000000);
    if (has_fault("lost")) return CKR_DEVICE_ERROR;
    if (has_fault("session-dead")) return CKR_SESSION_HANDLE_INVALID;
    if (has_fault("forgotten")) return CKR_USER_NOT_LOGGED_IN;
    int alone = has_fault("cant-lock");
    if (alone && __sync_fetch_and_add(&inside, 1) != 0) abort();
    if (alone) usleep(20000);
    if (has_fault("pipe")) {
        int ends[2];
        if (pipe(ends) == 0) {
            close(ends[0]);
            if (write(ends[1], "x", 1) < 0) return CKR_DEVICE_ERROR;
        }
    }
    CK_RV value = real.C_Sign(session, data, count, signature, size);
    if (alone) __sync_fetch_and_sub(&inside, 1);
    if (value == CKR_OK && signature && has_fault("wrong")) signature[7] ^= 1;
    if (value == CKR_OK && signature && has_fault("trim")) trim(signature, size);
    if (value == CKR_OK && signature && has_fault("short")) *size -= 1;
    return value;
}

static CK_RV faulty_sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) {
    if (has_fault("no-mechanism") && mechanism->mechanism == CKM_EDDSA) return CKR_MECHANISM_INVALID;
    int is_pss = mechanism->mechanism == CKM_RSA_PKCS_PSS, is_raw = mechanism->mechanism == CKM_RSA_X_509;
    if (has_fault("no-pss") && is_pss) return CKR_MECHANISM_INVALID;
    if (has_fault("only-pkcs1") && (is_pss || is_raw)) return CKR_MECHANISM_INVALID;
    return real.C_SignInit(session, mechanism, key);
}

static CK_RV faulty_initialize(void *arguments) {
    if (has_fault("cant-lock") && arguments) return CKR_CANT_LOCK;
    return real.C_Initialize(arguments);
}

static CK_RV faulty_open(
    unsigned long slot, unsigned long flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *session) {
    static int sessions;
    int limit = has_fault("few-sessions") ? 2 : has_fault("one-session") || has_fault("one-session-said") ? 1 : 0;
    if (limit && ++sessions > limit) return CKR_SESSION_COUNT;
    return real.C_OpenSession(slot, flags, application, notify, session);
}

static CK_RV faulty_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info) {
    CK_RV value = real.C_GetTokenInfo(slot, info);
    if (value == CKR_OK && has_fault("one-session-said")) info->ulMaxSessionCount = 1;
    if (has_fault("no-count")) info->flags &= ~(CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
    if (has_fault("count-low")) info->flags |= CKF_USER_PIN_COUNT_LOW;
    return value;
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
    CK_RV value = real.C_Login(session, user, pin, count);
    return value == CKR_OK && has_fault("logged-in") ? CKR_USER_ALREADY_LOGGED_IN : value;
}

/* The class comes first in a template. */
static CK_RV faulty_find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, unsigned long count) {
    return real.C_FindObjectsInit(session, template, count > 1 && has_fault("overlook") ? 1 : count);
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
    ours.C_FindObjectsInit = faulty_find;
    ours.C_Finalize = faulty_finalize;
    ours.C_Initialize = faulty_initialize;
    ours.C_OpenSession = faulty_open;
    ours.C_GetTokenInfo = faulty_token_info;
    *list = &ours;
    return CKR_OK;
}
