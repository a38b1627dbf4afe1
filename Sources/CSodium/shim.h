// libsodium's headers and nothing else. Written against 1.0.18: newer calls are not used.
#ifndef SHOAL_CSODIUM_SHIM_H
#define SHOAL_CSODIUM_SHIM_H
#include <sodium.h>
#endif
