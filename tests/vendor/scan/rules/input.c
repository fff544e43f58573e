/* Each `finds` names the rule that must speak of the next line, each `leaves` one that must not. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

void prints(const char *message, char *to, int size)
{
    /* finds: format-from-variable */
    printf(message);
    /* finds: format-from-variable */
    snprintf(to, size, message);
    /* leaves: format-from-variable */
    printf("%s", message);
    /* leaves: format-from-variable */
    printf("ready\n");
    /* leaves: format-from-variable */
    printf(USAGE);
    /* finds: format-from-variable */
    syslog(LOG_INFO, message);
    /* leaves: format-from-variable */
    syslog(LOG_INFO, "started");
}

void runs(const char *command)
{
    /* finds: command-from-variable */
    system(command);
    /* finds: command-from-variable */
    FILE *out = popen(command, "r");
    /* leaves: command-from-variable */
    system("/sbin/reboot");
    use(out);
}

void opens(const char *path)
{
    /* finds: file-checked-then-opened */
    if (access(path, R_OK) == 0) {
        int file = open(path, O_RDONLY);
        use(file);
    }
}

void opens_well(const char *path)
{
    /* leaves: file-checked-then-opened */
    int file = open(path, O_RDONLY);
    struct stat about;
    fstat(file, &about);
}

void makes(char *name)
{
    /* finds: temporary-file-guessable */
    tmpnam(name);
    /* leaves: temporary-file-guessable */
    int file = mkstemp(name);
    /* finds: file-for-everybody */
    chmod(name, 0777);
    /* leaves: file-for-everybody */
    chmod(name, 0600);
    use(file);
}

/* finds: address-in-the-clear */
static const char *update_url = "http://updates.example.com/pump.bin";
/* leaves: address-in-the-clear */
static const char *safe_url = "https://updates.example.com/pump.bin";
/* leaves: address-in-the-clear */
static const char *test_url = "http://localhost:8080/";
/* finds: address-in-the-clear */
static const char *broker = "mqtt://broker.example.com";
/* http://a.comment.is.no.address/ leaves: address-in-the-clear */
/* finds: address-hard-coded */
static const char *server = "192.168.1.17";
/* leaves: address-hard-coded */
static const char *any = "0.0.0.0";
/* leaves: address-hard-coded */
static const char *version = "1.2.3";
