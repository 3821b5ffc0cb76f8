/* Writes down what a program does to one SQLite database, so that a test can rebuild what a loss of power would leave.

   To be loaded by LD_PRELOAD. DROP_UNSYNCED_FILE names the database, DROP_UNSYNCED_LOG the file to write to. Watched are
   the database, its log and FILE-acks, in which the program notes what it was promised. A record is one letter for
   what was done (w write, t truncate, s sync), one for the file (d database, l log, a acks, f folder), and offset and
   length as 8 bytes each in the machine's order, then the bytes that were written. It changes nothing of what it sees. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* One at a time: a record stands before another exactly if its deed was done before the other began. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int out = -1;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static char file_of(int fd)
{
    static char watched[PATH_MAX];
    char link[32], path[PATH_MAX];
    if (!watched[0]) {
        const char *file = getenv("DROP_UNSYNCED_FILE");
        if (!file || !realpath(file, watched))
            return 0;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    size_t size = strlen(watched);
    if (!strncmp(path, watched, size))
        return !path[size] ? 'd' : !strcmp(path + size, "-wal") ? 'l' : !strcmp(path + size, "-acks") ? 'a' : 0;
    return !strncmp(path, watched, length) && watched[length] == '/' && !strchr(watched + length + 1, '/') ? 'f' : 0;
}

static void put(const void *bytes, size_t size)
{
    if (out < 0)
        out = open(getenv("DROP_UNSYNCED_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (REAL(write)(out, bytes, size) != (ssize_t)size)
        abort();
}

static void record(char deed, char file, uint64_t offset, const void *bytes, uint64_t size)
{
    char head[18] = {deed, file};
    memcpy(head + 2, &offset, 8);
    memcpy(head + 10, &size, 8);
    put(head, sizeof head);
    if (bytes && size)
        put(bytes, size);
}

#define WATCH(call, file, deed, offset, bytes, size)       \
    char file = file_of(fd);                               \
    if (!file)                                             \
        return call;                                       \
    pthread_mutex_lock(&turn);                             \
    __typeof__(call) done = call;                          \
    if (done >= 0)                                         \
        record(deed, file, offset, bytes, size);           \
    pthread_mutex_unlock(&turn);                           \
    return done

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    WATCH(REAL(pwrite)(fd, bytes, size, offset), file, 'w', offset, bytes, done);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
    WATCH(REAL(pwrite64)(fd, bytes, size, offset), file, 'w', offset, bytes, done);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    off_t offset = lseek(fd, 0, SEEK_CUR);
    WATCH(REAL(write)(fd, bytes, size), file, 'w', offset, bytes, done);
}

int ftruncate(int fd, off_t size)
{
    WATCH(REAL(ftruncate)(fd, size), file, 't', size, NULL, 0);
}

int ftruncate64(int fd, off64_t size)
{
    WATCH(REAL(ftruncate64)(fd, size), file, 't', size, NULL, 0);
}

int fsync(int fd)
{
    WATCH(REAL(fsync)(fd), file, 's', 0, NULL, 0);
}

int fdatasync(int fd)
{
    WATCH(REAL(fdatasync)(fd), file, 's', 0, NULL, 0);
}
