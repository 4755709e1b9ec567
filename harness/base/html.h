/* html.h - text in a page of HTML. */
#ifndef STUBMAP_BASE_HTML_H
#define STUBMAP_BASE_HTML_H

#include <stdio.h>

/* Writes text, of an element or of an attribute in quotes: foreign text ends neither. Control
 * characters other than line feeds and tabs, and what is not UTF-8, are shown as in say.h: whoever
 * looks at the page's source in a terminal is not to obey them. */
void html_text(FILE *, const char *text);
/* Writes a picture as the address of an <img>, whole, so that the page needs no other file. */
void html_data_svg(FILE *, const char *svg);

#endif
