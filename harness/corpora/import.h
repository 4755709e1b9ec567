/*
 * import.h - imports stack maps from files of these formats, which it tells apart:
 *
 *   stubmap's own corpus files (corpus.h)
 *   OCaml        native executables, x86-64, OCaml 4.11 on (tried: 4.13): caml_frametable
 *   Go           executables, x86-64, Go 1.18 on (tried: 1.19, 1.26): .gopclntab; maps of locals
 *   LLVM         .llvm_stackmaps version 3 with statepoints, x86-64, objects or executables
 *   Wasmtime     .cwasm, any target, version 32 on (tried: 48): .wasmtime.stackmap
 */
#ifndef STUBMAP_CORPORA_IMPORT_H
#define STUBMAP_CORPORA_IMPORT_H

#include "corpora/corpus.h"

/* 0; or -EINVAL, -ENOMEM or an error of open or read, with one line in error that names the file
 * and, if known, section and offset. After 0, out needs corpus_close; else it is not filled. */
int corpus_import(const char *path, struct corpus *out, char error[CORPUS_ERROR]);
/* corpus_import from memory; writes into bytes (relocations). */
int corpus_import_bytes(const char *path, uint8_t *bytes, size_t size, struct corpus *out,
			char error[CORPUS_ERROR]);

/*
 * Imports a .llvm_stackmaps section whose function addresses are final. text and text_size: the
 * code's address and bytes; pcs become offsets from text. Each function reaches to the start of the
 * next. Base and derived pointers both become places. A slot relative to rbp in a frame that grows
 * while it runs is refused: a map relative to SP can't describe it. name is for messages.
 */
int corpus_from_llvm(const char *name, const uint8_t *map, size_t len, uint64_t text,
		     size_t text_size, struct corpus *out, char error[CORPUS_ERROR]);

#endif
