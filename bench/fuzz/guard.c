// Preloaded into a process that is fuzzed: every small block of libtorch's lies against the end of its pages, with a
// page behind it that nobody may touch. What reads or writes beyond a tensor then ends the process at once, instead
// of damaging something that fails later or never.
// cc -shared -fPIC -O2 -o guard.so guard.c -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// Places of equal size in one stretch of addresses; `refused` keeps a wrong size from taking the machine's memory.
enum { page = 4096, largest = 1 << 20, place = largest + 2 * page, places = 1 << 15, refused = 1 << 30 };

static char* arena;
static uint32_t unused[places], count;
static struct { uint32_t pages, slack; } blocks[places];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int (*align)(void**, size_t, size_t);
static void (*release)(void*);

__attribute__((constructor)) static void start(void) {
  align = (int (*)(void**, size_t, size_t))dlsym(RTLD_NEXT, "posix_memalign");
  release = (void (*)(void*))dlsym(RTLD_NEXT, "free");
  void* all = mmap(NULL, (size_t)places * place, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  for (uint32_t i = 0; i < places; i++) unused[count++] = i;
  if (all != MAP_FAILED) arena = all;
}

int posix_memalign(void** result, size_t alignment, size_t size) {
  if (size > refused) return ENOMEM;
  if (!arena || alignment != 64 || size > largest) return align ? align(result, alignment, size) : ENOMEM;
  pthread_mutex_lock(&mutex);
  uint32_t at = count ? unused[--count] : places;
  pthread_mutex_unlock(&mutex);
  if (at == places) return align(result, alignment, size);
  uint32_t slack = (64 - size % 64) % 64, pages = (size + slack + page - 1) / page;
  char* end = arena + (size_t)(at + 1) * place - page;
  mprotect(end - (size_t)pages * page, (size_t)pages * page, PROT_READ | PROT_WRITE);
  memset(end - slack, 0xa5, slack);
  blocks[at].pages = pages;
  blocks[at].slack = slack;
  *result = end - slack - size;
  return 0;
}

void free(void* pointer) {
  if (!arena || (char*)pointer < arena || (char*)pointer >= arena + (size_t)places * place) {
    if (release) release(pointer);
    return;
  }
  uint32_t at = ((char*)pointer - arena) / place;
  char* end = arena + (size_t)(at + 1) * place - page;
  for (uint32_t i = 1; i <= blocks[at].slack; i++)
    if (end[-(int)i] != (char)0xa5) abort();
  size_t bytes = (size_t)blocks[at].pages * page;
  madvise(end - bytes, bytes, MADV_DONTNEED);
  mprotect(end - bytes, bytes, PROT_NONE);
  pthread_mutex_lock(&mutex);
  unused[count++] = at;
  pthread_mutex_unlock(&mutex);
}
