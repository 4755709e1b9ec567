/* sanitized.h - whether this program was built with a sanitizer: the times that it measures are of
 * no use, so that none is taken again for its sake. */
#ifndef STUBMAP_BASE_SANITIZED_H
#define STUBMAP_BASE_SANITIZED_H

#if defined(__SANITIZE_THREAD__)
#define SANITIZER_THREADS 1
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZER_ADDRESSES 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZER_THREADS 1
#elif __has_feature(address_sanitizer)
#define SANITIZER_ADDRESSES 1
#endif
#endif

#if defined(SANITIZER_THREADS)
enum { SANITIZED = 1, SANITIZED_THREADS = 1 };
#elif defined(SANITIZER_ADDRESSES)
enum { SANITIZED = 1, SANITIZED_THREADS = 0 };
#else
enum { SANITIZED = 0, SANITIZED_THREADS = 0 };
#endif

#endif
