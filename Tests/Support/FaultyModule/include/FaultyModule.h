#ifndef ROADSTEAD_FAULTY_MODULE_H
#define ROADSTEAD_FAULTY_MODULE_H
/* Loaded as a PKCS#11 module; nothing is called by name. */
#endif
