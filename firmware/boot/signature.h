#ifndef SIGNATURE_H
#define SIGNATURE_H

#include "tlv.h"

/* True if the vendor key, which the fuses vouch for, signed this digest. */
bool signature_good(const uint8_t *digest, const struct tlvs *tlvs);

#endif
