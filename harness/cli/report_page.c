/* report_page.c - the frame of a report: its style, for screens wide and narrow, dark and light,
 * and for paper, and the script that sorts its tables. Nothing comes from elsewhere. */
#include "base/html.h"
#include "cli/report.h"

static const char style[] =
    ":root{--ink:#1c1c1c;--paper:#fff;--faint:#5f6368;--line:#d5d5d5;--good:#00694e;--bad:#a84300;"
    "--open:#5f6368}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--paper:#161616;--faint:#a8adb3;"
    "--line:#3c3c3c;--good:#5fd3ac;--bad:#ff9c5b;--open:#a8adb3}}"
    "*{box-sizing:border-box}"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);"
    "max-width:64rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}"
    "h1{font-size:1.5rem}h2{font-size:1.2rem;border-bottom:1px solid var(--line);margin-top:2rem}"
    "h4{margin:1.2rem 0 .3rem}"
    ".meta,.note,figcaption{color:var(--faint);font-size:.9rem}"
    ".wide{overflow-x:auto}"
    "table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}"
    "th,td{padding:.2rem .6rem;text-align:left;border-bottom:1px solid var(--line);"
    "overflow-wrap:normal}"
    "th{cursor:pointer;white-space:nowrap}th:hover,th:focus{text-decoration:underline}"
    ".r{text-align:right}"
    ".holds{color:var(--good)}.refuted{color:var(--bad)}.open{color:var(--open)}"
    ".holds b,.refuted b{font-weight:700}"
    "pre{font-size:.8rem;overflow-x:auto;white-space:pre-wrap}pre.raw{white-space:pre;"
    "max-height:30rem;overflow:auto;border:1px solid var(--line);padding:.5rem}"
    "figure{margin:1.5rem 0}img{max-width:100%;height:auto;background:#fff}"
    "@media print{body{max-width:none;font-size:10pt}details{display:none}"
    "figure,tr{break-inside:avoid}.wide{overflow:visible}}";

/* A click on a column's head sorts by it, a second one the other way round. */
static const char script[] =
    "for(const th of document.querySelectorAll('th')){th.tabIndex=0;"
    "const sort=()=>{const body=th.closest('table').tBodies[0],"
    "at=[...th.parentNode.children].indexOf(th),way=th.dataset.way=th.dataset.way=='1'?-1:1,"
    "value=row=>{const text=row.children[at].textContent.replace(/^[~?]/,''),"
    "number=parseFloat(text);return isNaN(number)?text:number};"
    "[...body.rows].sort((a,b)=>{a=value(a);b=value(b);"
    "return way*(typeof a!=typeof b?(typeof a=='number'?-1:1):a<b?-1:a>b?1:0)})"
    ".forEach(row=>body.append(row))};"
    "th.onclick=sort;th.onkeydown=e=>{if(e.key=='Enter')sort()}}";

void report_begin(FILE *out, const char *title)
{
	fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
	      out);
	html_text(out, title);
	fprintf(out, "</title>\n<style>%s</style></head><body>\n<h1>", style);
	html_text(out, title);
	fputs("</h1>\n", out);
}

void report_end(FILE *out)
{
	fprintf(out, "<script>%s</script>\n</body></html>\n", script);
}
