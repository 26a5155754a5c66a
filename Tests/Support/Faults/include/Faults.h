#ifndef FAULTS_H
#define FAULTS_H
/* Preloaded into a program under test, see Faults.c; nothing is called by name. */
#endif
