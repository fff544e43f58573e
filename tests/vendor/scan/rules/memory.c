/* Each `finds` names the rule that must speak of the next line, each `leaves` one that must not. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reads(char *line, int size)
{
    /* finds: string-read-without-bound */
    gets(line);
    /* leaves: string-read-without-bound */
    fgets(line, size, stdin);
}

void copies(char *to, const char *name, const char *uart_line, char *small)
{
    /* finds: string-copied-without-bound */
    strcpy(to, name);
    /* leaves: string-copied-without-bound */
    strcpy(to, "fixed");
    /* finds: input-copied-without-bound */
    strcpy(to, uart_line);
    /* finds: input-copied-without-bound; finds: string-formatted-without-bound */
    sprintf(to, "got %s", uart_line);
    /* finds: string-copied-without-bound; leaves: input-copied-without-bound */
    strcpy(to, name);
    /* finds: string-formatted-without-bound */
    sprintf(to, "name=%s", name);
    /* leaves: string-formatted-without-bound */
    sprintf(to, "%d", 3);
    /* finds: copy-bounded-by-source */
    strncpy(small, name, strlen(name));
    /* leaves: copy-bounded-by-source */
    strncpy(small, name, 8);
}

void scans(const char *from, char *word, int *number)
{
    /* finds: string-scanned-without-width */
    sscanf(from, "%d %s", number, word);
    /* leaves: string-scanned-without-width */
    sscanf(from, "%d %15s", number, word);
}

void terminates(const char *name)
{
    char first[8];
    char second[8];
    /* finds: copy-left-unterminated */
    strncpy(first, name, sizeof(first));
    /* leaves: copy-left-unterminated */
    strncpy(second, name, sizeof(second));
    second[sizeof(second) - 1] = '\0';
    puts(first);
    puts(second);
}

void trusts(uint8_t *to, const uint8_t *packet)
{
    uint16_t length = ntohs(*(const uint16_t *)packet);
    /* finds: length-from-message-unchecked */
    memcpy(to, packet + 2, length);
}

void trusts_bytes(uint8_t *to, const uint8_t *packet)
{
    uint16_t length;
    length = (packet[0] << 8) | packet[1];
    /* finds: length-from-message-unchecked */
    memcpy(to, packet + 2, length);
}

int checks(uint8_t *to, uint16_t size, const uint8_t *packet)
{
    uint16_t length = ntohs(*(const uint16_t *)packet);
    if (length > size) {
        return -1;
    }
    /* leaves: length-from-message-unchecked */
    memcpy(to, packet + 2, length);
    return 0;
}

int checks_in_one_line(uint8_t *to, uint16_t size, const uint8_t *packet)
{
    uint16_t length = ntohs(*(const uint16_t *)packet);
    if (length > size) return -1;
    /* leaves: length-from-message-unchecked */
    memcpy(to, packet + 2, length);
    return 0;
}

void allocates(const char *name, int count)
{
    /* finds: allocation-unchecked */
    char *copy = malloc(16);
    memcpy(copy, name, 16);
    /* finds: allocation-size-may-wrap */
    int *many = malloc(count * sizeof(int));
    /* leaves: allocation-size-may-wrap */
    int *few = malloc(16 * sizeof(int));
    /* finds: stack-sized-by-input */
    char *stack = alloca(count);
    /* leaves: stack-sized-by-input */
    char *fixed = alloca(64);
    use(copy, many, few, stack, fixed);
}

int allocates_well(const char *name)
{
    /* leaves: allocation-unchecked */
    char *copy = malloc(16);
    if (copy == NULL) {
        return -1;
    }
    memcpy(copy, name, 16);
    return 0;
}

int allocates_well_in_one_line(const char *name)
{
    /* leaves: allocation-unchecked */
    char *copy = malloc(16);
    if (!copy) return -1;
    memcpy(copy, name, 16);
    return 0;
}

void grows(char *buffer, char *other, int size)
{
    /* finds: reallocation-loses-memory */
    buffer = realloc(buffer, size);
    /* leaves: reallocation-loses-memory */
    char *more = realloc(other, size);
    use(buffer, more);
}

void receives(int socket)
{
    char buffer[64];
    int count = recv(socket, buffer, 63, 0);
    /* finds: received-count-as-index */
    buffer[count] = 0;
}

void receives_well(int socket)
{
    char buffer[64];
    int count = recv(socket, buffer, 63, 0);
    if (count < 0)
        return;
    /* leaves: received-count-as-index */
    buffer[count] = 0;
}

static uint8_t line[32];
static unsigned at;

void USART1_IRQHandler(void)
{
    /* finds: received-byte-stored-without-bound */
    line[at++] = USART1->DR;
}

void USART2_IRQHandler(void)
{
    if (at < sizeof(line)) {
        /* leaves: received-byte-stored-without-bound */
        line[at++] = USART2->DR;
    }
}

void USART3_IRQHandler(void)
{
    /* leaves: received-byte-stored-without-bound */
    line[at++] = USART3->DR;
    if (at >= sizeof(line)) {
        at = 0;
    }
}
