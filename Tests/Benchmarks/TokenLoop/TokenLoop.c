#include "include/TokenLoop.h"
#include <dlfcn.h>
#include <p11-kit-1/p11-kit/pkcs11.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum { DIGEST = 32, MAXIMUM_SIGNATURE = 1024, MAXIMUM_THREADS = 8 };

static CK_FUNCTION_LIST *functions;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE kept;
static CK_OBJECT_HANDLE key;
static CK_MECHANISM mechanism;
static CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, DIGEST};

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static CK_RV open_session(CK_SESSION_HANDLE *session) {
    return functions->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, session);
}

/* Labels are filled with blanks. */
static int is_token(CK_SLOT_ID id, const char *label) {
    CK_TOKEN_INFO info;
    size_t length = strlen(label);
    if (length > sizeof info.label || functions->C_GetTokenInfo(id, &info) != CKR_OK) return 0;
    if (memcmp(info.label, label, length) != 0) return 0;
    for (size_t index = length; index < sizeof info.label; index++)
        if (info.label[index] != ' ') return 0;
    return 1;
}

const char *token_loop_open(const char *module, const char *token, const char *pin) {
    void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
    if (!get || get(&functions) != CKR_OK) return "the module cannot be loaded";
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    if (functions->C_Initialize(&arguments) != CKR_OK) return "C_Initialize failed";
    CK_SLOT_ID slots[64];
    CK_ULONG count = 64, found = 0;
    if (functions->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK) return "C_GetSlotList failed";
    while (found < count && !is_token(slots[found], token)) found++;
    if (found == count) return "there is no such token";
    slot = slots[found];
    if (open_session(&kept) != CKR_OK) return "C_OpenSession failed";
    if (functions->C_Login(kept, CKU_USER, (unsigned char *)pin, strlen(pin)) != CKR_OK) return "C_Login failed";
    return NULL;
}

const char *token_loop_choose(const char *label, int kind) {
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)label, strlen(label)}};
    CK_OBJECT_HANDLE found[2];
    CK_ULONG count = 0;
    if (functions->C_FindObjectsInit(kept, template, 2) != CKR_OK) return "C_FindObjectsInit failed";
    CK_RV value = functions->C_FindObjects(kept, found, 2, &count);
    functions->C_FindObjectsFinal(kept);
    if (value != CKR_OK || count != 1) return "not one key has that label";
    key = found[0];
    mechanism = (CK_MECHANISM){CKM_ECDSA, NULL, 0};
    if (kind == TOKEN_LOOP_PSS_SHA256) mechanism = (CK_MECHANISM){CKM_RSA_PKCS_PSS, &pss, sizeof pss};
    return NULL;
}

static CK_RV sign(CK_SESSION_HANDLE session, const uint8_t *digest) {
    unsigned char signature[MAXIMUM_SIGNATURE];
    CK_ULONG size = sizeof signature;
    CK_RV value = functions->C_SignInit(session, &mechanism, key);
    return value != CKR_OK ? value : functions->C_Sign(session, (unsigned char *)digest, DIGEST, signature, &size);
}

unsigned long token_loop_sign(const uint8_t *digest, uint64_t *nanoseconds, size_t count) {
    for (size_t index = 0; index < count; index++) {
        uint64_t start = now();
        CK_RV value = sign(kept, digest);
        nanoseconds[index] = now() - start;
        if (value != CKR_OK) return value;
    }
    return CKR_OK;
}

struct turn {
    pthread_t thread;
    CK_SESSION_HANDLE session;
    const uint8_t *digest;
    size_t count;
    CK_RV value;
};

static void *take_turn(void *argument) {
    struct turn *turn = argument;
    for (size_t index = 0; index < turn->count && turn->value == CKR_OK; index++)
        turn->value = sign(turn->session, turn->digest);
    return NULL;
}

unsigned long token_loop_sign_threads(const uint8_t *digest, size_t count, int threads, uint64_t *nanoseconds) {
    struct turn turns[MAXIMUM_THREADS];
    CK_RV value = threads >= 1 && threads <= MAXIMUM_THREADS ? CKR_OK : CKR_ARGUMENTS_BAD;
    int opened = 0, started = 0;
    for (; value == CKR_OK && opened < threads; opened += value == CKR_OK) {
        turns[opened] = (struct turn){.digest = digest, .count = count, .value = CKR_OK};
        value = open_session(&turns[opened].session);
    }
    uint64_t start = now();
    for (; value == CKR_OK && started < threads; started += value == CKR_OK)
        if (pthread_create(&turns[started].thread, NULL, take_turn, &turns[started]) != 0) value = CKR_HOST_MEMORY;
    for (int index = 0; index < started; index++) {
        pthread_join(turns[index].thread, NULL);
        if (value == CKR_OK) value = turns[index].value;
    }
    *nanoseconds = now() - start;
    for (int index = 0; index < opened; index++) functions->C_CloseSession(turns[index].session);
    return value;
}

void token_loop_close(void) { functions->C_Finalize(NULL); }
