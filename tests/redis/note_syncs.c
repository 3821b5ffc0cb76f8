/* Writes down when a Redis server's append-only file is safe from a loss of power, and how much of it.

   To be loaded by LD_PRELOAD. NOTE_SYNCS names the file to write to: a line for each sync that has ended, with the
   size of the append-only file when it began, and the monotonic clock's seconds when it ended. With SYNC_TAKES each
   takes so many microseconds longer, as on a busy disk. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int is_watched(int fd)
{
    char link[32], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return strstr(path, "appendonly.aof") && !strstr(path, "manifest") && !strstr(path, ".base.");
}

static int note(int fd, int (*sync)(int))
{
    struct stat before;
    struct timespec now;
    if (!getenv("NOTE_SYNCS") || !is_watched(fd) || fstat(fd, &before))
        return sync(fd);
    if (getenv("SYNC_TAKES"))
        usleep(atoi(getenv("SYNC_TAKES")));
    int done = sync(fd);
    clock_gettime(CLOCK_MONOTONIC, &now);
    FILE *out = fopen(getenv("NOTE_SYNCS"), "ae");
    if (!out)
        abort();
    fprintf(out, "%lld %lld.%09ld\n", (long long)before.st_size, (long long)now.tv_sec, now.tv_nsec);
    fclose(out);
    return done;
}

int fdatasync(int fd)
{
    return note(fd, (int (*)(int))dlsym(RTLD_NEXT, "fdatasync"));
}

int fsync(int fd)
{
    return note(fd, (int (*)(int))dlsym(RTLD_NEXT, "fsync"));
}
