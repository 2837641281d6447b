/*
 * The sum of squares as a native program. Each number's terms are really computed: in blocks whose sum
 * fits into 64 bits, as it does for numbers up to 2^28. Arguments: first number, how many numbers.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BLOCK = 256 };

static unsigned __int128 sum_squares(uint32_t n) {
  unsigned __int128 sum = 0;
  for (uint32_t base = 0; base < n; base += BLOCK) {
    uint32_t end = n - base < BLOCK ? n : base + BLOCK;
    uint64_t part = 0;
    for (uint32_t i = base; i < end; i++) part += (uint64_t)i * i;
    sum += part;
  }
  return sum;
}

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  uint32_t first = strtoul(argv[1], NULL, 10);
  uint32_t count = strtoul(argv[2], NULL, 10);
  unsigned __int128 sum = 0;
  double start = now_ms();
  for (uint32_t index = 0; index < count; index++) sum += sum_squares(first + index);
  double ms = now_ms() - start;
  const uint64_t digits = 1000000000000000000; /* 18 of them */
  uint64_t high = sum / digits;
  uint64_t low = sum % digits;
  printf("{\"items\":%" PRIu32 ",\"sum\":\"", count);
  if (high > 0) printf("%" PRIu64 "%018" PRIu64, high, low);
  else printf("%" PRIu64, low);
  printf("\",\"ms\":%.6f}\n", ms);
  return 0;
}
