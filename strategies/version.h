/* version.h - the version of libstubmap. stubmap.pc is made from it. */
#ifndef STUBMAP_VERSION_H
#define STUBMAP_VERSION_H

#define STUBMAP_VERSION_MAJOR 0
#define STUBMAP_VERSION_MINOR 1
#define STUBMAP_VERSION_PATCH 0
#define STUBMAP_VERSION	      "0.1.0"

#endif
