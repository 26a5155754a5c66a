/*
 * Counts a program's file operations below a directory and makes one of them fatal.
 *
 * LD_PRELOAD this library with
 *   FAULT_ROOT   directory whose operations count
 *   FAULT_LOG    file outside of it that gets one line per operation
 *   FAULT_AT     number of the operation before which the program is killed with SIGKILL
 *   FAULT_FULL   number of the operation from which on everything that needs room fails with ENOSPC
 */
#define _GNU_SOURCE
#include "include/Faults.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int count;

static void resolve(int directory, const char *path, char *out, size_t size) {
    char base[PATH_MAX] = "";
    if (path[0] == '/') { snprintf(out, size, "%s", path); return; }
    if (directory == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) base[0] = 0;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t n = readlink(link, base, sizeof base - 1);
        base[n > 0 ? n : 0] = 0;
    }
    snprintf(out, size, "%s/%s", base, path);
}

static int number_of(const char *name) {
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
}

/* Counts one operation on an absolute path; 1 when it must fail for want of room. */
static int step(const char *what, const char *path, int needs_room) {
    const char *root = getenv("FAULT_ROOT");
    if (!root || !*root) return 0;
    size_t length = strlen(root);
    if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != 0)) return 0;
    int number = atomic_fetch_add(&count, 1) + 1;
    const char *log = getenv("FAULT_LOG");
    if (log && *log) {
        char line[PATH_MAX + 64];
        int n = snprintf(line, sizeof line, "%d %s %s\n", number, what, path);
        int file = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (file >= 0) {
            syscall(SYS_write, file, line, (size_t)(n < (int)sizeof line ? n : (int)sizeof line - 1));
            syscall(SYS_close, file);
        }
    }
    if (number == number_of("FAULT_AT")) kill(getpid(), SIGKILL);
    int full = number_of("FAULT_FULL");
    if (full && number >= full && needs_room) { errno = ENOSPC; return 1; }
    return 0;
}

static int step_at(const char *what, int directory, const char *path, int needs_room) {
    char full[PATH_MAX];
    resolve(directory, path, full, sizeof full);
    return step(what, full, needs_room);
}

static int step_fd(const char *what, int file, int needs_room) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    return step(what, path, needs_room);
}

#define NEXT(name, type) ((type)dlsym(RTLD_NEXT, name))

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
        if (flags & (O_CREAT | O_TRUNC) && step_at("open", AT_FDCWD, path, 1)) return -1; \
        return NEXT(#name, int (*)(const char *, int, ...))(path, flags, mode); }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int directory, const char *path, int flags, ...) { \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
        if (flags & (O_CREAT | O_TRUNC) && step_at("open", directory, path, 1)) return -1; \
        return NEXT(#name, int (*)(int, const char *, int, ...))(directory, path, flags, mode); }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int file, const void *bytes, size_t size) {
    if (step_fd("write", file, 1)) return -1;
    return NEXT("write", ssize_t (*)(int, const void *, size_t))(file, bytes, size);
}
ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
    if (step_fd("write", file, 1)) return -1;
    return NEXT("pwrite", ssize_t (*)(int, const void *, size_t, off_t))(file, bytes, size, offset);
}
int fsync(int file) {
    if (step_fd("fsync", file, 0)) return -1;
    return NEXT("fsync", int (*)(int))(file);
}
int fdatasync(int file) {
    if (step_fd("fsync", file, 0)) return -1;
    return NEXT("fdatasync", int (*)(int))(file);
}
int ftruncate(int file, off_t size) {
    if (step_fd("ftruncate", file, 0)) return -1;
    return NEXT("ftruncate", int (*)(int, off_t))(file, size);
}
int rename(const char *old, const char *new) {
    if (step_at("rename", AT_FDCWD, new, 1)) return -1;
    return NEXT("rename", int (*)(const char *, const char *))(old, new);
}
int renameat(int a, const char *old, int b, const char *new) {
    if (step_at("rename", b, new, 1)) return -1;
    return NEXT("renameat", int (*)(int, const char *, int, const char *))(a, old, b, new);
}
int renameat2(int a, const char *old, int b, const char *new, unsigned flags) {
    if (step_at("rename", b, new, 1)) return -1;
    return NEXT("renameat2", int (*)(int, const char *, int, const char *, unsigned))(a, old, b, new, flags);
}
int unlink(const char *path) {
    if (step_at("unlink", AT_FDCWD, path, 0)) return -1;
    return NEXT("unlink", int (*)(const char *))(path);
}
int unlinkat(int directory, const char *path, int flags) {
    if (step_at("unlink", directory, path, 0)) return -1;
    return NEXT("unlinkat", int (*)(int, const char *, int))(directory, path, flags);
}
int rmdir(const char *path) {
    if (step_at("rmdir", AT_FDCWD, path, 0)) return -1;
    return NEXT("rmdir", int (*)(const char *))(path);
}
int mkdir(const char *path, mode_t mode) {
    if (step_at("mkdir", AT_FDCWD, path, 1)) return -1;
    return NEXT("mkdir", int (*)(const char *, mode_t))(path, mode);
}
int mkdirat(int directory, const char *path, mode_t mode) {
    if (step_at("mkdir", directory, path, 1)) return -1;
    return NEXT("mkdirat", int (*)(int, const char *, mode_t))(directory, path, mode);
}
int symlink(const char *target, const char *path) {
    if (step_at("symlink", AT_FDCWD, path, 1)) return -1;
    return NEXT("symlink", int (*)(const char *, const char *))(target, path);
}
int symlinkat(const char *target, int directory, const char *path) {
    if (step_at("symlink", directory, path, 1)) return -1;
    return NEXT("symlinkat", int (*)(const char *, int, const char *))(target, directory, path);
}
int link(const char *old, const char *new) {
    if (step_at("link", AT_FDCWD, new, 1)) return -1;
    return NEXT("link", int (*)(const char *, const char *))(old, new);
}
