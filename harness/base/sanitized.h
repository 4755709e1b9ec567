/* sanitized.h - whether this program was built with a sanitizer: its times are then of no use, and
 * none is measured again to get a better one. */
#ifndef STUBMAP_BASE_SANITIZED_H
#define STUBMAP_BASE_SANITIZED_H

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif
#else
enum { SANITIZED = 0 };
#endif

#endif
