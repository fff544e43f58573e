/* Where everything lies. lab/memory.py and README.md state the same numbers; a test compares them. */
#ifndef LAYOUT_H
#define LAYOUT_H

#define BOOT_AREA_SIZE 0x00010000u /* boot stage; the flash controller never writes here */
#define KEY_AREA 0x0000F000u       /* vendor public key, SPKI DER, put there in manufacturing */
#define KEY_AREA_LEN 91u           /* 26 bytes of SPKI prefix, 0x04, X, Y of a P-256 key */
#define KEY_POINT_AT 27u

#define SLOT_COUNT 2u
#define SLOT_SIZE 0x00038000u /* (512 KiB - 64 KiB boot area) / 2 */
#define SLOT_BASE(n) (BOOT_AREA_SIZE + (n) * SLOT_SIZE)

/* The trailer, from the end of the slot down; each flag is one 8-byte flash unit. */
#define FLASH_UNIT 8u
#define TRAILER_MAGIC_LEN 16u
#define TRAILER_MAGIC(n) (SLOT_BASE(n) + SLOT_SIZE - TRAILER_MAGIC_LEN)
#define TRAILER_IMAGE_OK(n) (TRAILER_MAGIC(n) - FLASH_UNIT)
#define TRAILER_COPY_DONE(n) (TRAILER_IMAGE_OK(n) - FLASH_UNIT)
#define TRAILER_SIZE (TRAILER_MAGIC_LEN + 2u * FLASH_UNIT)

#define APP_RAM 0x20000000u /* data, bss and stack of the application */
#define APP_RAM_SIZE 0x00010000u
#define LOAD_ADDR 0x20010000u /* the image, header first, runs from here whichever slot held it */
#define LOAD_SIZE 0x00020000u
#define BOOT_RAM 0x20030000u
#define BOOT_RAM_SIZE 0x0000F000u
#define BOOT_INFO 0x2003F000u

#define IMAGE_HEADER_SIZE 0x200u
#define VERSION_BLOCK_AT 0x40u /* after the vector table */

#endif
