#ifndef ROADSTEAD_CLIBPQ_SHIM_H
#define ROADSTEAD_CLIBPQ_SHIM_H

#include <libpq-fe.h>
#include <sys/eventfd.h>

/* The C library's module has no eventfd. */
static inline int roadstead_wake_open(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
static inline int roadstead_wake_ring(int descriptor) { return eventfd_write(descriptor, 1); }

#endif
